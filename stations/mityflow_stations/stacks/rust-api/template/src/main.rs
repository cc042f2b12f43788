//! Serves the application until it is told to stop.

use std::env;
use std::io::{IsTerminal, stdout};
use std::process::ExitCode;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal;
use tokio::time::sleep;
use tracing::info;
use tracing_subscriber::EnvFilter;

use {{ app_name_snake }}::app;
use {{ app_name_snake }}::settings::Settings;

/// How long requests under way may take once the service is told to stop.
const PATIENCE: Duration = Duration::from_secs(3);

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
    let settings = Settings::read(variable).map_err(|error| error.to_string())?;
    let filter = EnvFilter::try_new(&settings.log_level)
        .map_err(|error| format!("APP_LOG_LEVEL is '{}'; {error}", settings.log_level))?;
    let plain = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(stdout().is_terminal() && !plain)
        .init();

    let address = settings.address;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    info!("listening on http://{address}");
    let serving = axum::serve(listener, app()).with_graceful_shutdown(told_to_stop());
    tokio::select! {
        result = serving.into_future() => result.map_err(|error| error.to_string()),
        () = out_of_patience() => Ok(()),
    }
}

/// A variable of the environment; what is no Unicode in it is replaced, so that it is seen to be wrong.
fn variable(name: &str) -> Option<String> {
    env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

async fn out_of_patience() {
    told_to_stop().await;
    sleep(PATIENCE).await;
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
