using System.Globalization;
using System.Net;

namespace {{ app_name_pascal }};

/// <summary>Where the service listens: <c>APP_HOST</c> and <c>APP_PORT</c> of the environment.</summary>
public sealed record Settings(IPAddress Host, int Port)
{
    private const string DefaultHost = "127.0.0.1";
    private const string DefaultPort = "{{ port }}";

    /// <summary>The address as the web server takes it.</summary>
    public string Url => $"http://{new IPEndPoint(Host, Port)}";

    /// <summary>Reads the settings.</summary>
    /// <exception cref="SettingsException">A value is wrong.</exception>
    public static Settings Read(IConfiguration configuration)
    {
        var host = configuration["APP_HOST"] ?? DefaultHost;
        if (!IPAddress.TryParse(host, out var address))
        {
            throw new SettingsException($"APP_HOST is '{host}'; an IP address is wanted");
        }

        var port = configuration["APP_PORT"] ?? DefaultPort;
        var isNumber = int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number);
        if (!isNumber || number < 1 || number > IPEndPoint.MaxPort)
        {
            throw new SettingsException($"APP_PORT is '{port}'; a number from 1 to 65535 is wanted");
        }

        return new Settings(address, number);
    }
}

/// <summary>A setting has a value that is wrong.</summary>
public sealed class SettingsException(string message) : Exception(message);
