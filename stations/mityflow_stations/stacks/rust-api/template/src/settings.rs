//! Settings, read from the environment.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Where to listen, and how much to say.
#[derive(Debug, PartialEq, Eq)]
pub struct Settings {
    /// The address to listen on: `APP_HOST` and `APP_PORT`.
    pub address: SocketAddr,
    /// What is logged: `APP_LOG_LEVEL`, a level or a filter as `tracing` reads it.
    pub log_level: String,
}

/// A variable whose value is wrong.
#[derive(Debug, PartialEq, Eq)]
pub struct WrongSetting {
    name: &'static str,
    value: String,
    wanted: &'static str,
}

impl fmt::Display for WrongSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is '{}'; {}", self.name, self.value, self.wanted)
    }
}

impl Error for WrongSetting {}

impl Settings {
    /// The settings that a look-up of variables gives.
    ///
    /// # Errors
    ///
    /// When the value of a variable is wrong.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, WrongSetting> {
        let host = match variable("APP_HOST") {
            None => IpAddr::V4(Ipv4Addr::LOCALHOST),
            Some(value) => value.parse().map_err(|_| WrongSetting {
                name: "APP_HOST",
                value,
                wanted: "an IP address is wanted",
            })?,
        };
        let port = match variable("APP_PORT") {
            None => {{ port }},
            Some(value) => match value.parse() {
                Ok(port) if port > 0 => port,
                _ => {
                    return Err(WrongSetting {
                        name: "APP_PORT",
                        value,
                        wanted: "a number from 1 to 65535 is wanted",
                    });
                }
            },
        };
        Ok(Self {
            address: SocketAddr::new(host, port),
            log_level: variable("APP_LOG_LEVEL").unwrap_or_else(|| "info".into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(given: &[(&str, &str)]) -> Result<Settings, WrongSetting> {
        Settings::read(|name| {
            let found = given.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn defaults_listen_on_this_machine_only() {
        let settings = read(&[]).unwrap();

        assert_eq!(settings.address.to_string(), "127.0.0.1:{{ port }}");
        assert_eq!(settings.log_level, "info");
    }

    #[test]
    fn the_environment_is_read() {
        let given = [("APP_HOST", "::1"), ("APP_PORT", "9001")];

        assert_eq!(read(&given).unwrap().address.to_string(), "[::1]:9001");
    }

    #[test]
    fn a_wrong_port_is_refused() {
        for port in ["", "0", "70000", "http"] {
            let error = read(&[("APP_PORT", port)]).unwrap_err();

            assert!(error.to_string().starts_with("APP_PORT is '"));
        }
    }

    #[test]
    fn a_wrong_host_is_refused() {
        let error = read(&[("APP_HOST", "everywhere")]).unwrap_err();

        let wanted = "APP_HOST is 'everywhere'; an IP address is wanted";
        assert_eq!(error.to_string(), wanted);
    }
}
