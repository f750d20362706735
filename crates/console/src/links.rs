//! Addresses of pages. Names come from clients: everything but letters, digits, `-`, `_` and `.` is
//! written as percent signs.

/// Bytes as a part of a path or a query.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Whether a path can hold a name: browsers swallow `.` and `..`, proxies eat `%2F`.
fn fits_a_path(name: &str) -> bool {
    !matches!(name, "" | "." | ".." | "by-id") && !name.contains(['/', '\\'])
}

/// The addresses of one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Links {
    /// What precedes the path of every link.
    root: String,
    base: String,
}

impl Links {
    /// Those of a cluster, below what precedes every path.
    pub(crate) fn new(root: &str, cluster: &str) -> Self {
        Self {
            root: root.to_owned(),
            base: format!("{root}/c/{}", encoded(cluster)),
        }
    }

    /// An address that belongs to no cluster; the path begins with a slash.
    pub(crate) fn top(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }

    /// The overview.
    pub(crate) fn overview(&self) -> String {
        format!("{}/", self.base)
    }

    /// All topics.
    pub(crate) fn topics(&self) -> String {
        format!("{}/topics", self.base)
    }

    /// All groups.
    pub(crate) fn groups(&self) -> String {
        format!("{}/groups", self.base)
    }

    /// All clients.
    pub(crate) fn clients(&self) -> String {
        format!("{}/clients", self.base)
    }

    /// One client.
    pub(crate) fn client(&self, id: &str) -> String {
        if fits_a_path(id) {
            format!("{}/clients/{}", self.base, encoded(id))
        } else {
            format!("{}/clients/by-id?id={}", self.base, encoded(id))
        }
    }

    /// One topic.
    pub(crate) fn topic(&self, name: &str) -> String {
        format!("{}/topics/{}", self.base, encoded(name))
    }

    /// Records of a topic.
    pub(crate) fn messages(&self, topic: &str) -> String {
        format!("{}/messages", self.topic(topic))
    }

    /// One group.
    pub(crate) fn group(&self, id: &str) -> String {
        if fits_a_path(id) {
            format!("{}/groups/{}", self.base, encoded(id))
        } else {
            format!("{}/groups/by-id?id={}", self.base, encoded(id))
        }
    }

    /// Where a finding can be seen.
    pub(crate) fn place(&self, place: &limpid_cluster::findings::Place) -> String {
        use limpid_cluster::findings::Place;
        match place {
            Place::Topic(name) => self.topic(name),
            Place::Record {
                topic,
                partition,
                offset,
            } => format!(
                "{}?partition={partition}&from={offset}",
                self.messages(topic)
            ),
        }
    }

    /// What a finding is about, if it has a page.
    pub(crate) fn subject(&self, about: &limpid_cluster::verdict::Subject) -> Option<String> {
        use limpid_cluster::verdict::Subject;
        match about {
            Subject::Topic(name) => Some(self.topic(name)),
            Subject::Group(id) => Some(self.group(id)),
            Subject::Client(id) => Some(self.client(id)),
            Subject::Cluster | Subject::LogDir(_) | Subject::Buffer(_) => None,
        }
    }

    /// The stream of changes of a page.
    pub(crate) fn stream(&self, page: &str, query: &str) -> String {
        let and = if query.is_empty() { "" } else { "&" };
        format!("{}/stream?of={}{and}{query}", self.base, encoded(page))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_stay_in_their_place() {
        let links = Links::new("", "local");
        assert_eq!(links.topic("orders.v1"), "/c/local/topics/orders.v1");
        assert_eq!(links.group("<script>"), "/c/local/groups/%3Cscript%3E");
        assert_eq!(links.group("../x"), "/c/local/groups/by-id?id=..%2Fx");
        assert_eq!(links.group(""), "/c/local/groups/by-id?id=");
        assert_eq!(links.group("by-id"), "/c/local/groups/by-id?id=by-id");
        assert_eq!(
            links.group("größe?&"),
            "/c/local/groups/gr%C3%B6%C3%9Fe%3F%26"
        );
        assert_eq!(Links::new("", "a/b").overview(), "/c/a%2Fb/");
        let below = Links::new("/limpid", "x");
        assert_eq!(below.topics(), "/limpid/c/x/topics");
        assert_eq!(below.top("/login"), "/limpid/login");
    }
}
