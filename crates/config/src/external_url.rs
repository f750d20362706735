//! The address under which browsers know this server: `limpid.http.external.url`.

/// `https://ops.example/limpid`, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalUrl {
    /// `https`.
    pub secure: bool,
    /// Name, and port when it is not the scheme's own, lower case: `ops.example:8443`.
    pub authority: String,
    /// What precedes every path, without a slash at its end; empty at the top.
    pub base: String,
}

impl ExternalUrl {
    /// What browsers send as `Origin`.
    pub fn origin(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.authority)
    }

    /// Whether this, from a `Host` header, is the address.
    pub fn is_authority(&self, host: &str) -> bool {
        let own_port = if self.secure { ":443" } else { ":80" };
        let host = host.strip_suffix(own_port).unwrap_or(host);
        host.eq_ignore_ascii_case(&self.authority)
    }

    /// What remains of a path below the address; nothing when it lies elsewhere.
    pub fn below<'a>(&self, path: &'a str) -> Option<&'a str> {
        let rest = path.strip_prefix(&self.base)?;
        match rest {
            "" => Some("/"),
            _ => rest.starts_with('/').then_some(rest),
        }
    }

    /// The name or address alone.
    pub fn host(&self) -> &str {
        match self.authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
            _ => &self.authority,
        }
    }
}

pub(crate) fn check(value: &str) -> Result<(), String> {
    parse(value).map(|_| ())
}

/// Reads the value; none when it is empty.
pub(crate) fn parse(value: &str) -> Result<Option<ExternalUrl>, String> {
    let text = value.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = |what: &str| format!("{text}: {what}, as in https://ops.example/limpid/");
    let (scheme, rest) = text
        .split_once("://")
        .ok_or_else(|| wrong("not of the form https://host/path"))?;
    let (secure, own_port) = match scheme.to_ascii_lowercase().as_str() {
        "http" => (false, ":80"),
        "https" => (true, ":443"),
        _ => return Err(wrong("begins with http:// or https://")),
    };
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let authority = authority.to_ascii_lowercase();
    let authority = authority.strip_suffix(own_port).unwrap_or(&authority);
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    if authority.is_empty() || !authority.chars().all(fine) || authority.starts_with(':') {
        return Err(wrong("a name or address follows, perhaps a port"));
    }
    let base = path.strip_suffix('/').unwrap_or(path);
    let fine = |part: &str| {
        let unreserved = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '~');
        !matches!(part, "" | "." | "..") && part.chars().all(unreserved)
    };
    if !base.is_empty() && !base[1..].split('/').all(fine) {
        return Err(wrong("a path has letters, digits, dots, - _ ~ and slashes"));
    }
    Ok(Some(ExternalUrl {
        secure,
        authority: authority.to_owned(),
        base: base.to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        let parts = |text: &str| {
            let url = parse(text).unwrap().unwrap();
            let host = url.host().to_owned();
            (url.origin(), host, url.base)
        };
        let all = |origin: &str, host: &str, base: &str| {
            (origin.to_owned(), host.to_owned(), base.to_owned())
        };
        let ops = all("https://ops.example", "ops.example", "/limpid");
        assert_eq!(parts("https://ops.example/limpid/"), ops);
        assert_eq!(parts(" HTTPS://Ops.Example:443/limpid "), ops);
        assert_eq!(
            parts("http://[::1]:8080"),
            all("http://[::1]:8080", "[::1]", "")
        );
        assert_eq!(
            parts("http://ops.example:443/a/b-c/"),
            all("http://ops.example:443", "ops.example", "/a/b-c")
        );
        assert_eq!(parts("https://x/").2, "");
        assert_eq!(parse(" "), Ok(None));
        for wrong in [
            "ops.example",
            "ftp://ops.example",
            "https://",
            "https:///limpid",
            "https://:8443/",
            "https://user@ops.example/",
            "https://ops.example?x",
            "https://ops.example/a//b",
            "https://ops.example//",
            "https://ops.example/../x",
            "https://ops.example/a?b",
            "https://ops.example/a\"b",
            "https://ops.example/a%20b",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn paths_lie_below_it_or_elsewhere() {
        let url = parse("https://x/limpid").unwrap().unwrap();
        assert_eq!(url.below("/limpid/c/x"), Some("/c/x"));
        assert_eq!(url.below("/limpid"), Some("/"));
        assert_eq!(url.below("/limpid/"), Some("/"));
        assert_eq!(url.below("/limpid/limpid/x"), Some("/limpid/x"));
        for elsewhere in ["/limpidx", "/c/limpid", "/%6cimpid/c", ""] {
            assert_eq!(url.below(elsewhere), None, "{elsewhere}");
        }
        assert!(url.is_authority("X:443") && !url.is_authority("x:80"));
    }
}
