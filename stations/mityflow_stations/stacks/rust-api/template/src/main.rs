//! Serves the application until it is told to stop.

use std::env;
use std::process::ExitCode;

use tokio::net::TcpListener;
use tokio::signal;
use tracing::info;
use tracing_subscriber::EnvFilter;

use {{ app_name_snake }}::app;
use {{ app_name_snake }}::settings::Settings;

#[tokio::main]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), String> {
    let settings = Settings::read(|name| env::var(name).ok()).map_err(|error| error.to_string())?;
    let filter = EnvFilter::try_new(&settings.log_level)
        .map_err(|error| format!("APP_LOG_LEVEL is '{}'; {error}", settings.log_level))?;
    tracing_subscriber::fmt().with_env_filter(filter).init();

    let address = settings.address;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    info!("listening on http://{address}");
    axum::serve(listener, app())
        .with_graceful_shutdown(told_to_stop())
        .await
        .map_err(|error| error.to_string())
}

/// Waits for Ctrl-C, and on Unix for SIGTERM, which containers are stopped with.
async fn told_to_stop() {
    #[cfg(unix)]
    let terminated = async {
        match signal::unix::signal(signal::unix::SignalKind::terminate()) {
            Ok(mut stream) => {
                stream.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();

    tokio::select! {
        _ = signal::ctrl_c() => {}
        () = terminated => {}
    }
}
