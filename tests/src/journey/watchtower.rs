//! What an operator reads of a running gateway: readiness and metrics, over plain HTTP.

use super::place::{Place, free_port};
use super::program::{PATIENCE, Running, program};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

/// The operator's window on a gateway.
pub struct Watchtower {
    at: SocketAddr,
}

impl Watchtower {
    /// Configures a place for it, with further lines for the section `operation`.
    pub fn build(place: &Place, settings: &[(&str, &str)]) -> Self {
        let at = SocketAddr::from(([127, 0, 0, 1], u16::try_from(free_port()).unwrap()));
        let mut text = std::fs::read_to_string(place.config()).unwrap();
        for (key, value) in settings.iter().copied().chain([("metrics", format!("\"{at}\"").as_str())]) {
            let lines = text.lines().filter(|line| !line.starts_with(&format!("{key} = ")));
            text = lines.collect::<Vec<_>>().join("\n");
            text = text.replace("[operation]", &format!("[operation]\n{key} = {value}"));
        }
        std::fs::write(place.config(), text).unwrap();
        Self { at }
    }

    /// Status and body of a page; `None` when nobody listens.
    pub fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(self.at).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.at).ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }

    /// The metrics page.
    pub fn metrics(&self) -> String {
        let (status, text) = self.get("/metrics").unwrap();
        assert_eq!(status, 200, "{text}");
        text
    }

    /// One number of the page, by the beginning of its line.
    pub fn number(&self, line: &str) -> f64 {
        let page = self.metrics();
        let found = page.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(' '));
        found.unwrap_or_else(|| panic!("no `{line}` on {page}")).parse().unwrap()
    }

    /// Waits until the page has this number.
    pub fn until_number(&self, line: &str, number: f64) {
        for _ in 0..PATIENCE.as_millis() / 50 {
            if self.number(line) == number {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("`{line}` never was {number}; it is {}", self.number(line));
    }

    /// Waits until readiness says this.
    pub fn until(&self, status: u16, words: &str) -> String {
        let mut last = None;
        for _ in 0..PATIENCE.as_millis() / 50 {
            last = self.get("/readyz");
            match &last {
                Some((found, text)) if *found == status && text.contains(words) => return text.clone(),
                _ => std::thread::sleep(Duration::from_millis(50)),
            }
        }
        panic!("readiness never said {status} with `{words}`; it says {last:?}");
    }
}

/// Starts `sluis serve` at this level of talk, and waits until it is ready.
pub fn serve_at(place: &Place, level: &str) -> Running {
    let mut command = Command::new(program());
    let mut gateway = Running::start(command.args(["serve", "--config"]).arg(place.config()).env("RUST_LOG", level));
    assert!(gateway.wait_for("ready").is_some(), "{:#?}", gateway.end());
    gateway
}
