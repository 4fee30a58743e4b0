//! What an address of a PostgreSQL database says about who can read along, as far as that shows without connecting.

/// An address, `postgres://user@host:port/database?key=value&…`. What it does not say is empty.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address {
    host: String,
    port: String,
    database: String,
    verified: bool,
}

impl Address {
    /// Takes an address apart. Anything else gives an address that is not protected; opening it names the fault.
    pub(super) fn read(text: &str) -> Self {
        let rest = text.split_once("://").map_or("", |(_, rest)| rest);
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = place.split_once('/').unwrap_or((place, ""));
        let server = authority.rsplit('@').next().unwrap_or_default();
        let (host, port) = match server.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (host, port),
            _ => (server, ""),
        };
        let mut address = Self { host: plain(host), port: port.to_owned(), database: plain(database), verified: false };
        // What stands later in an address replaces what stood before.
        for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            match plain(key).as_str() {
                "host" | "hostaddr" => address.host = plain(value),
                "port" => address.port = plain(value),
                "dbname" => address.database = plain(value),
                "sslmode" | "ssl-mode" => address.verified = plain(value) == "verify-full",
                _ => {}
            }
        }
        address
    }

    /// Whether nobody between can read or answer: the server proves who it is, or is reached by a socket of this machine.
    pub(super) fn is_protected(&self) -> bool {
        self.verified || self.host.starts_with('/')
    }

    /// Whether both name one database of one server by the same words.
    pub(super) fn is_same_database(&self, other: &Self) -> bool {
        let port = |address: &Self| if address.port.is_empty() { "5432".to_owned() } else { address.port.clone() };
        self.host.eq_ignore_ascii_case(&other.host) && port(self) == port(other) && self.database == other.database
    }
}

/// The text with `%41` as `A`. A text that is not written so stays as it is.
fn plain(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend_from_slice(part.get(2..).unwrap_or_default().as_bytes());
            }
            None => return text.to_owned(),
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_proven_server_or_a_socket_is_protected() {
        for (address, protected) in [
            ("postgres://sluis@db.example:5432/sluis_log?sslmode=verify-full&sslrootcert=/ca.pem", true),
            ("postgresql://db.example/sluis_log?sslrootcert=%2Fca.pem&ssl-mode=verify-full", true),
            ("postgres://sluis@/sluis_log?host=/run/postgresql", true),
            ("postgres://sluis@%2Frun%2Fpostgresql/sluis_log", true),
            ("postgres://sluis@db.example/sluis_log", false),
            ("postgres://sluis@db.example/sluis_log?sslmode=verify-ca", false),
            ("postgres://sluis@db.example/sluis_log?sslmode=verify-full&sslmode=disable", false),
            ("postgres://sluis@db.example/sluis_log?sslmode=verify-full&ssl%6Dode=disable", false),
            ("postgres://sluis@%2Frun%2Fpostgresql/sluis_log?host=db.example", false),
            ("postgres:///sluis_log", false),
            ("db.example", false),
        ] {
            assert_eq!(Address::read(address).is_protected(), protected, "{address}");
        }
    }

    #[test]
    fn one_database_is_told_from_two() {
        let same = |a: &str, b: &str| Address::read(a).is_same_database(&Address::read(b));
        assert!(same("postgres://a@db:5432/one?sslmode=verify-full", "postgres://b@DB/one"));
        assert!(same("postgres://a@db/one", "postgres://b@db?dbname=one"));
        assert!(!same("postgres://a@db/one", "postgres://a@db/two"));
        assert!(!same("postgres://a@db/one", "postgres://a@db:5433/one"));
        assert!(!same("postgres://a@db/one", "postgres://a@other/one"));
    }
}
