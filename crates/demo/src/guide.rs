//! What a person is told at the start: what there is, what it shows, and how to look.

use std::fmt::Write;
use std::path::Path;

use limpid_server::Addresses;

use crate::plan::{GROUPS, Pace, SERVICES, SLOW};
use crate::{Place, plan};

/// The text.
pub(crate) fn text(
    place: &Place,
    bootstrap: &str,
    addresses: Option<&Addresses>,
    slow_group: Pace,
) -> String {
    let mut text = String::from("limpid demo: three services write logs, four groups read them\n");
    let http = addresses.and_then(|addresses| addresses.http.first());
    let http = http.map(|address| format!("http://localhost:{}", address.port()));
    // Writing to a string can't fail.
    let _fine = write_text(&mut text, place, bootstrap, http.as_deref(), slow_group);
    text
}

fn write_text(
    out: &mut String,
    place: &Place,
    bootstrap: &str,
    http: Option<&str>,
    slow_group: Pace,
) -> std::fmt::Result {
    writeln!(out, "\n  Kafka    {bootstrap}")?;
    if let Some(http) = http {
        writeln!(out, "  console  {http}")?;
        writeln!(out, "  metrics  {http}/metrics")?;
    }
    if let Place::Own { dir, .. } = place {
        writeln!(out, "  data     {}", dir.display())?;
    }
    writeln!(out, "\nTopics")?;
    for service in &SERVICES {
        writeln!(out, "  {:<20} {}", service.topic, service.shape)?;
    }
    writeln!(out, "\nGroups")?;
    for group in GROUPS {
        writeln!(out, "  {:<20} {}", group.id, group.shows)?;
    }
    let options = options(place, bootstrap);
    let slow = SLOW.id;
    writeln!(out, "\nLook")?;
    if let Some(http) = http {
        writeln!(out, "  curl -s '{http}/c/local/groups/{slow}?format=json'")?;
        writeln!(out, "  curl -s {http}/metrics | grep '^limpid_group_lag'")?;
    }
    writeln!(
        out,
        "  kafka-consumer-groups.sh --bootstrap-server {bootstrap}{} --describe --group {slow}",
        command_config(place)
    )?;
    let topic = SERVICES[0].topic;
    writeln!(out, "  kcat -b {bootstrap} -C -t {topic} -o -10 -e")?;
    writeln!(out, "\nChange")?;
    writeln!(
        out,
        "  limpid demo --speed-up{options}      {slow} catches up"
    )?;
    let pace = match slow_group {
        Pace::RecordsPerSecond(rate) => rate,
        Pace::Unlimited => plan::SLOW_RATE_DEFAULT,
    };
    writeln!(
        out,
        "  limpid demo --slow-down {pace}{options}  and falls behind again"
    )?;
    let clean = match place {
        Place::Own { dir, .. } => dir_option(dir),
        Place::Cluster { .. } => options,
    };
    writeln!(
        out,
        "\nCtrl-C stops it; `limpid demo --clean{clean}` removes what it wrote."
    )
}

/// Needed if the directory is not the default one.
fn dir_option(dir: &Path) -> String {
    if dir == Path::new("limpid-demo") {
        String::new()
    } else {
        format!(" --dir {}", dir.display())
    }
}

/// What other calls of `limpid demo` need to reach the cluster of this one.
fn options(place: &Place, bootstrap: &str) -> String {
    match place {
        Place::Own { .. } => match bootstrap.rsplit_once(':') {
            Some((_, port)) if port != "9092" => format!(" --port {port}"),
            _ => String::new(),
        },
        Place::Cluster {
            bootstrap_servers, ..
        } => format!(
            " --bootstrap-server {bootstrap_servers}{}",
            command_config(place)
        ),
    }
}

/// How Kafka's tools and ours get in.
fn command_config(place: &Place) -> String {
    match place {
        Place::Cluster {
            command_config: Some(file),
            ..
        } => format!(" --command-config {}", file.display()),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_name_the_place_only_if_it_is_another() {
        let own = |dir: &str| Place::Own {
            dir: dir.into(),
            port: 9092,
            http_port: 8080,
        };
        let pace = Pace::RecordsPerSecond(5.0);
        let default = text(&own("limpid-demo"), "localhost:9092", None, pace);
        assert!(default.contains("limpid demo --clean`"), "{default}");
        let other = text(&own("elsewhere"), "localhost:9093", None, pace);
        assert!(other.contains("--speed-up --port 9093 "), "{other}");
        assert!(
            other.contains("limpid demo --clean --dir elsewhere`"),
            "{other}"
        );
        let cluster = Place::Cluster {
            bootstrap_servers: "kafka:1".to_owned(),
            command_config: Some("client.properties".into()),
        };
        let text = text(&cluster, "kafka:1", None, pace);
        assert!(
            text.contains(
                "--slow-down 5 --bootstrap-server kafka:1 --command-config client.properties "
            ),
            "{text}"
        );
        for group in GROUPS {
            assert!(text.contains(group.id) && text.contains(group.shows));
        }
    }
}
