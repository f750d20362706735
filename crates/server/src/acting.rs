//! Changes of the embedded cluster that visitors ask for, and records of it that they look at.
//!
//! Each goes over a pipe of its own in the visitor's name, so that the broker's ACLs decide over it as
//! over those of any client, and the audit tells of a change with what was before and after. Moved offsets are
//! told here: a commit is nothing that the broker's audit speaks of.

use std::sync::Arc;

use limpid_broker::audit::{Audit, Change, Changes, Kind, Record, Who};
use limpid_cluster::{
    By, ClusterAdmin, ClusterAdmins, ClusterSource, NewTopic, OffsetReset, Pending, RecordBrowser,
    RecordBrowsers,
};
use limpid_link::Link;

use crate::in_process::InProcess;
use crate::node::HTTP;

/// See the module; for faces.
pub(crate) struct Acting {
    in_process: InProcess,
    cluster: Arc<dyn ClusterSource>,
    audit: Arc<Audit>,
}

impl Acting {
    /// Over pipes of this process.
    pub(crate) fn new(
        in_process: &InProcess,
        cluster: Arc<dyn ClusterSource>,
        audit: &Arc<Audit>,
    ) -> Self {
        Self {
            in_process: in_process.clone(),
            cluster,
            audit: Arc::clone(audit),
        }
    }
}

impl RecordBrowsers for Acting {
    fn browsing_for(&self, by: &By) -> Box<dyn RecordBrowser> {
        Box::new(self.in_process.link_of(by))
    }
}

impl ClusterAdmins for Acting {
    fn acting_for(&self, by: &By) -> Box<dyn ClusterAdmin> {
        Box::new(Visit {
            link: self.in_process.link_of(by),
            by: by.clone(),
            cluster: Arc::clone(&self.cluster),
            audit: Arc::clone(&self.audit),
        })
    }
}

/// The changes of one visitor.
struct Visit {
    link: Link,
    by: By,
    cluster: Arc<dyn ClusterSource>,
    audit: Arc<Audit>,
}

impl Visit {
    /// What becomes of the offsets of a group.
    fn changes(&self, group: &str, to: &[OffsetReset]) -> Changes {
        let snapshot = self.cluster.snapshot();
        let mut changes = Changes::default();
        for reset in to {
            let known = snapshot.group(group);
            let before = known.and_then(|g| g.committed(&reset.topic, reset.partition));
            changes.add(Change {
                key: Some(format!("{}-{}", reset.topic, reset.partition)),
                before: before.map(|offset| offset.to_string()),
                after: Some(reset.offset.to_string()),
                ..Change::new("alter", "group", group)
            });
        }
        changes
    }

    fn tell(&self, changes: Changes) {
        let who = Who::visitor(HTTP, &self.by.who, self.by.from.as_str());
        let mut record = Record::new(Kind::Change, who, "reset offsets", "NONE");
        (record.changes, record.changes_left_out) = changes.take();
        self.audit.tell(record);
    }
}

impl ClusterAdmin for Visit {
    fn create_topic(&self, topic: NewTopic) -> Pending<'_, ()> {
        self.link.create_topic(topic)
    }

    fn delete_topic<'a>(&'a self, name: &'a str) -> Pending<'a, ()> {
        self.link.delete_topic(name)
    }

    fn alter_topic<'a>(
        &'a self,
        name: &'a str,
        settings: Vec<(String, Option<String>)>,
    ) -> Pending<'a, ()> {
        self.link.alter_topic(name, settings)
    }

    fn reset_offsets<'a>(&'a self, group: &'a str, to: Vec<OffsetReset>) -> Pending<'a, ()> {
        Box::pin(async move {
            let changes = self.changes(group, &to);
            self.link.reset_offsets(group, to).await?;
            self.tell(changes);
            Ok(())
        })
    }

    fn delete_group<'a>(&'a self, group: &'a str) -> Pending<'a, ()> {
        self.link.delete_group(group)
    }
}
