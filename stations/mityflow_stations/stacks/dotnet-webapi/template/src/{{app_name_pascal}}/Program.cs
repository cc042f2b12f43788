using System.Net.Sockets;
using {{ app_name_pascal }};

var builder = WebApplication.CreateBuilder(args);
try
{
    builder.WebHost.UseUrls(Settings.Read(builder.Configuration).Url);
}
catch (SettingsException exception)
{
    Console.Error.WriteLine(exception.Message);
    return 1;
}

builder.Services.AddOpenApi();
builder.Services.AddSingleton<ItemStore>();

var app = builder.Build();
app.MapOpenApi();
app.MapHealth();
app.MapItems();

try
{
    app.Run();
}
catch (Exception exception) when (exception is IOException or SocketException)
{
    // The address cannot be listened on, such as a port that is taken or not allowed.
    Console.Error.WriteLine(exception.Message);
    return 1;
}

return 0;
