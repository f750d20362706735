//! What `/metrics` would show of a broker that nobody has started.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use limpid_broker::metrics::{BoundTopicMetrics, RecordMetrics, RefusedMetrics, TopicMetrics};
use limpid_cluster::ClusterSource as _;
use limpid_exporter::cost::{Cost, Shed};
use limpid_exporter::synthetic::{Size, Synthetic};
use limpid_exporter::{Budget, Exporter};
use limpid_telemetry::Registry;
use limpid_telemetry::mbeans::{BeanSource, Beans, Value};

use crate::error::StartError;

/// A page of a cluster of some size. What grows with the cluster is all there; what grows with the use of
/// it (requests, clients, connections) is not, since nobody uses it.
pub struct Estimate {
    exporter: Arc<Exporter>,
    source: Arc<Synthetic>,
    _topics: Vec<BoundTopicMetrics>,
}

impl Estimate {
    /// For one broker that leads everything; shown unasked are these dialects.
    ///
    /// # Errors
    /// A dialect does not exist.
    pub fn new(size: Size, dialects: &[String]) -> Result<Self, StartError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now_ms = now.unwrap_or_default().as_millis();
        let source = Synthetic::new(size, i64::try_from(now_ms).unwrap_or(i64::MAX));
        let registry = Registry::new();
        let exporter = Exporter::new(registry.clone())?;
        exporter.add_cluster_with(source.clone(), dialects)?;
        registry
            .mbeans()
            .add_source(Arc::new(MinIsr(Arc::clone(&source))));
        let metrics = TopicMetrics::register(&registry)?;
        let records = RecordMetrics::register(&registry)?;
        let refused = RefusedMetrics::register(&registry)?;
        let snapshot = source.snapshot();
        let bind = |topic: &Arc<limpid_cluster::Topic>| {
            BoundTopicMetrics::new((&metrics, &records, &refused), 0, &topic.name)
        };
        Ok(Self {
            exporter,
            _topics: snapshot.topics.iter().map(bind).collect(),
            source,
        })
    }

    /// What renders its pages.
    pub fn exporter(&self) -> &Exporter {
        &self.exporter
    }

    /// What a budget leaves out of a page of it, in how many steps.
    pub fn shed(&self, page: Cost, budget: &Budget) -> (usize, Vec<Shed>) {
        page.shed(budget, Some(&self.source.snapshot()))
    }
}

/// Beans of partitions that only a broker has.
struct MinIsr(Arc<Synthetic>);

impl BeanSource for MinIsr {
    fn add_to(&self, _now: Duration, beans: &mut Beans) {
        for topic in &self.0.snapshot().topics {
            for partition in &topic.partitions {
                for name in ["UnderMinIsr", "AtMinIsr"] {
                    let bean = format!(
                        "kafka.cluster:type=Partition,name={name},topic={},partition={}",
                        topic.name, partition.index
                    );
                    beans.gauge(bean, Value::Long(0));
                }
            }
        }
    }
}
