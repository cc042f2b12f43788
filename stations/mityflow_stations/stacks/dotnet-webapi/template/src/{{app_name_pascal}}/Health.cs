namespace {{ app_name_pascal }};

/// <summary>What a healthy service answers.</summary>
public sealed record Health(string Status, string Version);

/// <summary>The health check, for load balancers and containers.</summary>
public static class HealthEndpoints
{
    private static readonly string CurrentVersion =
        typeof(HealthEndpoints).Assembly.GetName().Version?.ToString(3) ?? "";

    /// <summary>Answers as long as the service can answer at all.</summary>
    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("{{ health_path }}", () => new Health("ok", CurrentVersion)).WithTags("health");
    }
}
