using Microsoft.AspNetCore.Mvc.Testing;

namespace {{ app_name_pascal }}.Tests;

/// <summary>A client of a new application; each test has one of its own.</summary>
public abstract class Client : IDisposable
{
    // Any type of the application tells which one is meant.
    private readonly WebApplicationFactory<ItemStore> _application = new();

    /// <summary>Starts the application.</summary>
    protected Client()
    {
        Http = _application.CreateClient();
    }

    /// <summary>What requests are sent with.</summary>
    protected HttpClient Http { get; }

    /// <summary>Ends the application.</summary>
    public void Dispose()
    {
        Http.Dispose();
        _application.Dispose();
        GC.SuppressFinalize(this);
    }
}
