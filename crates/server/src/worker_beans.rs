//! The threads of the data path and the memory for requests, as Kafka's beans of its threads.
//!
//! Kafka has processors that read and write, and handlers that answer; here a thread of the data path
//! does both. So each is one processor, and the handlers' idle time is that of all of them.

use std::sync::Arc;
use std::time::Duration;

use limpid_telemetry::Registry;
use limpid_telemetry::mbeans::{BeanSource, Beans, Value};
use limpid_telemetry::meter::Meter;
use limpid_telemetry::pools::Pool;
use limpid_telemetry::windowed::Windowed;
use parking_lot::Mutex;
use tokio::runtime::{Handle, RuntimeMetrics};

use crate::worker_times::WorkerTimes;

const NANOS: f64 = 1e9;
/// Kafka's names of the handlers' idle time, the second for those that are no controller's.
const HANDLERS: [&str; 2] = [
    "RequestHandlerAvgIdlePercent",
    "BrokerRequestHandlerAvgIdlePercent",
];

/// Beans of the threads; see the module.
pub(crate) struct WorkerBeans {
    runtime: RuntimeMetrics,
    slept: Arc<WorkerTimes>,
    times: Mutex<Times>,
}

struct Times {
    /// Seconds that each thread was busy.
    busy: Vec<Windowed>,
    /// Seconds that a thread was idle, on average.
    idle: Meter,
}

impl WorkerBeans {
    /// Of a runtime that starts now and tells `slept` of its threads.
    pub(crate) fn new(runtime: &Handle, slept: Arc<WorkerTimes>) -> Self {
        let busy = (0..slept.workers()).map(|_| Windowed::new(Duration::ZERO, 0.0));
        let times = Times {
            busy: busy.collect(),
            idle: Meter::new(Duration::ZERO, 0.0),
        };
        Self {
            runtime: runtime.metrics(),
            slept,
            times: Mutex::new(times),
        }
    }

    fn busy_seconds(&self, worker: usize, age: Duration) -> f64 {
        self.slept.busy(worker, age).as_secs_f64()
    }

    /// Seconds that a thread was idle, on average. Never goes down.
    fn idle_seconds(&self) -> f64 {
        let workers = self.slept.workers();
        let all: Duration = (0..workers).map(|worker| self.slept.slept(worker)).sum();
        all.as_secs_f64() / workers.max(1) as f64
    }
}

impl BeanSource for WorkerBeans {
    fn add_to(&self, _now: Duration, beans: &mut Beans) {
        let age = self.slept.age();
        let times = self.times.lock();
        let workers = times.busy.iter().enumerate();
        let idle: Vec<f64> = workers
            .map(|(worker, windowed)| 1.0 - windowed.rate(age, self.busy_seconds(worker, age)))
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
        let idle = self.idle_seconds();
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
        let age = self.slept.age();
        let idle = self.idle_seconds();
        let mut times = self.times.lock();
        times.idle.step(age, idle);
        for (worker, windowed) in times.busy.iter_mut().enumerate() {
            windowed.step(age, self.busy_seconds(worker, age));
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
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn of(bean: Option<&[(&str, Value)]>, wanted: &str) -> f64 {
        let found = bean.and_then(|bean| bean.iter().find(|(name, _)| *name == wanted));
        match found {
            Some((_, Value::Double(double))) => *double,
            Some((_, Value::Long(long))) => *long as f64,
            other => panic!("{wanted}: {other:?}"),
        }
    }

    /// While it is busy, too: that it never sleeps must not look like sleep.
    #[test]
    fn a_busy_thread_is_less_idle() {
        let (runtime, slept) = crate::runtimes::watched("t", 2, 0).unwrap();
        let source = Arc::new(WorkerBeans::new(runtime.handle(), Arc::clone(&slept)));
        let registry = Registry::new();
        registry.mbeans().add_source(source.clone());
        let share = |name: &str| of(registry.mbeans().view().get(name), "Value");
        let average = "kafka.network:type=SocketServer,name=NetworkProcessorAvgIdlePercent";
        let (stop, stopped) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let (told, tells) = (Arc::clone(&stop), Arc::clone(&stopped));
        runtime.spawn(async move {
            while !told.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
            tells.store(true, Ordering::Relaxed);
        });
        let least_slept = || (0..2).map(|worker| slept.slept(worker)).min();
        let before = least_slept();
        let busy = || (0..2).any(|worker| source.busy_seconds(worker, slept.age()) >= 0.3);
        while !busy() {
            std::thread::yield_now();
        }
        assert!(share(average) < 0.999, "{}", share(average));
        assert!(least_slept() >= before, "it goes down");
        stop.store(true, Ordering::Relaxed);
        while !stopped.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        source.step(Duration::ZERO);
        let view = registry.mbeans().view();
        let handlers =
            view.get("kafka.server:type=KafkaRequestHandlerPool,name=RequestHandlerAvgIdlePercent");
        let mean = of(handlers, "MeanRate");
        let most = 1.0 - 0.3 / 2.0 / slept.age().as_secs_f64();
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
