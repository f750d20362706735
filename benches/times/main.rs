//! How long requests, scrapes and pages take: the cases whose instructions are counted, by the clock.
//!
//! ```sh
//! cargo bench -p limpid-benches              # all of them
//! cargo bench -p limpid-benches -- produce   # those with this in their name
//! ```
//! Nothing fails by these times: they depend on the machine and on what else it does. What a change may
//! cost is asserted by instructions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::Criterion;
use limpid_benches::{DATA_PATH, Meter, PAGES, World};

/// As in the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long each case is measured: it writes as fast as it can meanwhile.
const MEASURED: Duration = Duration::from_secs(2);
const WARMED: Duration = Duration::from_millis(500);

/// Adds up time.
#[derive(Default)]
struct Stopwatch {
    ns: AtomicU64,
}

impl Meter for Stopwatch {
    fn measure(&self, work: &mut dyn FnMut()) {
        let began = Instant::now();
        work();
        let ns = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.ns.fetch_add(ns, Ordering::Relaxed);
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .measurement_time(MEASURED)
        .warm_up_time(WARMED)
        .sample_size(20)
        .configure_from_args();
    for make in DATA_PATH.iter().chain(PAGES) {
        let mut world = make().expect("the world of the cases can be made");
        bench(&mut criterion, world.as_mut());
    }
    criterion.final_summary();
}

fn bench(criterion: &mut Criterion, world: &mut dyn World) {
    let stopwatch = Arc::new(Stopwatch::default());
    let meter: Arc<dyn Meter> = Arc::clone(&stopwatch) as _;
    for (at, case) in world.cases().iter().enumerate() {
        criterion.bench_function(&case.name, |bencher| {
            bencher.iter_custom(|rounds| {
                let rounds = usize::try_from(rounds).expect("fewer rounds than addresses");
                stopwatch.ns.store(0, Ordering::Relaxed);
                world
                    .run(at, rounds, Some(&meter))
                    .expect("the case does what it is there for");
                Duration::from_nanos(stopwatch.ns.load(Ordering::Relaxed))
            });
        });
    }
}
