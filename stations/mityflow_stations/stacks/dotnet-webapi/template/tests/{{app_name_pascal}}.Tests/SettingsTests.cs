using Microsoft.Extensions.Configuration;
using Xunit;

namespace {{ app_name_pascal }}.Tests;

public sealed class SettingsTests
{
    [Fact]
    public void DefaultsListenOnThisMachineOnly()
    {
        Assert.Equal("http://127.0.0.1:{{ port }}", Read(null, null).Url);
    }

    [Fact]
    public void TheEnvironmentIsRead()
    {
        Assert.Equal("http://[::1]:9001", Read("::1", "9001").Url);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("70000")]
    [InlineData("http")]
    public void AWrongPortIsRefused(string port)
    {
        var exception = Assert.Throws<SettingsException>(() => Read(null, port));

        Assert.StartsWith("APP_PORT is '", exception.Message);
    }

    [Fact]
    public void AWrongHostIsRefused()
    {
        var exception = Assert.Throws<SettingsException>(() => Read("everywhere", null));

        Assert.Equal("APP_HOST is 'everywhere'; an IP address is wanted", exception.Message);
    }

    private static Settings Read(string? host, string? port)
    {
        var values = new Dictionary<string, string?> { ["APP_HOST"] = host, ["APP_PORT"] = port };
        return Settings.Read(new ConfigurationBuilder().AddInMemoryCollection(values).Build());
    }
}
