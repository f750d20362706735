//! The threads of the data path and the memory for requests, as Kafka's beans of its threads.
//!
//! Kafka has processors that read and write, and handlers that answer; here a thread of the data path
//! does both. So each is one processor, and the handlers' idle time is that of all of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use limpid_telemetry::Registry;
use limpid_telemetry::mbeans::{BeanSource, Beans, Value};
use limpid_telemetry::meter::Meter;
use limpid_telemetry::pools::Pool;
use limpid_telemetry::windowed::Windowed;
use parking_lot::Mutex;
use tokio::runtime::{Handle, RuntimeMetrics};

const NANOS: f64 = 1e9;
/// Kafka's names of the handlers' idle time, the second for those that are no controller's.
const HANDLERS: [&str; 2] = [
    "RequestHandlerAvgIdlePercent",
    "BrokerRequestHandlerAvgIdlePercent",
];

/// Beans of the threads; see the module.
pub(crate) struct WorkerBeans {
    runtime: RuntimeMetrics,
    born: Instant,
    times: Mutex<Times>,
}

struct Times {
    /// Seconds that each thread was busy.
    busy: Vec<Windowed>,
    /// Seconds that a thread was idle, on average.
    idle: Meter,
}

impl WorkerBeans {
    /// Of a runtime that starts now.
    pub(crate) fn new(runtime: &Handle) -> Self {
        let runtime = runtime.metrics();
        let busy = (0..runtime.num_workers()).map(|_| Windowed::new(Duration::ZERO, 0.0));
        let times = Times {
            busy: busy.collect(),
            idle: Meter::new(Duration::ZERO, 0.0),
        };
        Self {
            runtime,
            born: Instant::now(),
            times: Mutex::new(times),
        }
    }

    fn busy_seconds(&self, worker: usize) -> f64 {
        self.runtime
            .worker_total_busy_duration(worker)
            .as_secs_f64()
    }

    /// Seconds that a thread was idle, on average. Never goes down by more than was measured late.
    fn idle_seconds(&self, age: Duration) -> f64 {
        let workers = self.runtime.num_workers();
        let busy: f64 = (0..workers).map(|worker| self.busy_seconds(worker)).sum();
        (age.as_secs_f64() - busy / workers.max(1) as f64).max(0.0)
    }
}

impl BeanSource for WorkerBeans {
    fn add_to(&self, _now: Duration, beans: &mut Beans) {
        let age = self.born.elapsed();
        let times = self.times.lock();
        let workers = times.busy.iter().enumerate();
        let idle: Vec<f64> = workers
            .map(|(worker, windowed)| 1.0 - windowed.rate(age, self.busy_seconds(worker)))
            .map(|idle| idle.clamp(0.0, 1.0))
            .collect();
        for (worker, &share) in idle.iter().enumerate() {
            let name =
                format!("kafka.network:type=Processor,name=IdlePercent,networkProcessor={worker}");
            beans.gauge(name, Value::Double(share));
        }
        let all = idle.iter().sum::<f64>() / idle.len().max(1) as f64;
        beans.gauge(
            "kafka.network:type=SocketServer,name=NetworkProcessorAvgIdlePercent",
            Value::Double(all),
        );
        beans.gauge(
            "kafka.network:type=RequestChannel,name=RequestQueueSize",
            Value::long(self.runtime.global_queue_depth()),
        );
        let idle = self.idle_seconds(age);
        let rates = times.idle.rates(age, idle);
        let [one, five, fifteen] = rates.moving.map(|share| Value::Double(share.min(1.0)));
        for name in HANDLERS {
            beans.add(
                format!("kafka.server:type=KafkaRequestHandlerPool,name={name}"),
                vec![
                    ("Count", Value::Long((idle * NANOS) as i64)),
                    ("MeanRate", Value::Double(rates.mean.min(1.0))),
                    ("OneMinuteRate", one.clone()),
                    ("FiveMinuteRate", five.clone()),
                    ("FifteenMinuteRate", fifteen.clone()),
                    ("EventType", Value::text("percent")),
                    ("RateUnit", Value::text("NANOSECONDS")),
                ],
            );
        }
    }

    fn step(&self, _now: Duration) {
        let age = self.born.elapsed();
        let idle = self.idle_seconds(age);
        let mut times = self.times.lock();
        times.idle.step(age, idle);
        for (worker, windowed) in times.busy.iter_mut().enumerate() {
            windowed.step(age, self.busy_seconds(worker));
        }
    }
}

/// Makes the pool of memory for requests, and its beans.
pub(crate) fn request_pool(registry: &Registry, bytes: u64) -> Arc<Pool> {
    let pool = registry.pool("request_memory", bytes);
    let beans = MemoryBeans(Arc::clone(&pool));
    registry.mbeans().add_source(Arc::new(beans));
    pool
}

/// The memory for requests.
struct MemoryBeans(Arc<Pool>);

impl BeanSource for MemoryBeans {
    fn add_to(&self, _now: Duration, beans: &mut Beans) {
        let used = self.0.used();
        let available = self.0.limit().saturating_sub(used);
        let sizes = [("MemoryPoolUsed", used), ("MemoryPoolAvailable", available)];
        beans.gauges("kafka.network:type=SocketServer", sizes);
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    fn of(bean: Option<&[(&str, Value)]>, wanted: &str) -> f64 {
        let found = bean.and_then(|bean| bean.iter().find(|(name, _)| *name == wanted));
        match found {
            Some((_, Value::Double(double))) => *double,
            Some((_, Value::Long(long))) => *long as f64,
            other => panic!("{wanted}: {other:?}"),
        }
    }

    #[test]
    fn a_busy_thread_is_less_idle() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap();
        let source = Arc::new(WorkerBeans::new(runtime.handle()));
        let registry = Registry::new();
        registry.mbeans().add_source(source.clone());
        let share = |name: &str| of(registry.mbeans().view().get(name), "Value");
        let average = "kafka.network:type=SocketServer,name=NetworkProcessorAvgIdlePercent";
        assert!(share(average) > 0.99, "{}", share(average));
        let busy = Duration::from_millis(300);
        let work = runtime.spawn(async move {
            let began = Instant::now();
            while began.elapsed() < busy {
                std::hint::spin_loop();
            }
        });
        runtime.block_on(work).unwrap();
        // The thread notes its time when it is about to sleep.
        let noted = || {
            (0..2)
                .map(|worker| source.busy_seconds(worker))
                .sum::<f64>()
                >= 0.3
        };
        while !noted() {
            std::thread::yield_now();
        }
        assert!(share(average) < 0.999, "{}", share(average));
        source.step(Duration::ZERO);
        let view = registry.mbeans().view();
        let handlers =
            view.get("kafka.server:type=KafkaRequestHandlerPool,name=RequestHandlerAvgIdlePercent");
        let mean = of(handlers, "MeanRate");
        let most = 1.0 - 0.3 / 2.0 / source.born.elapsed().as_secs_f64();
        assert!((0.0..=most).contains(&mean), "{mean} of at most {most}");
        assert!(of(handlers, "Count") > 0.0);
    }

    #[test]
    fn memory_for_requests_is_used_and_available() {
        let registry = Registry::new();
        let pool = request_pool(&registry, 1_000);
        let _charge = pool.charge(300);
        let view = registry.mbeans().view();
        let size = |name| {
            of(
                view.get(&format!("kafka.network:type=SocketServer,name={name}")),
                "Value",
            )
        };
        assert_eq!(size("MemoryPoolUsed"), 300.0);
        assert_eq!(size("MemoryPoolAvailable"), 700.0);
    }
}
