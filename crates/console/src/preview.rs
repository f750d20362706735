//! The console over a made-up cluster, with 15 minutes behind it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use limpid_telemetry::{Registry, Stage};

use crate::Faces;
use crate::app::App;
use crate::fixture::{BEGAN_MS, Faked, FakedRecords};
use crate::requests::ApiTotals;
use crate::trends::{BufferReading, Reading, RegistryReading};

/// Its routes; the second is called once a second to let time pass.
pub fn router() -> (Router, impl Fn() + Send) {
    let faked = Arc::new(Faked::new(std::env::var_os("HOSTILE").is_some()));
    let registry = Registry::new();
    let pools = [
        registry.pool("request_memory", 128 << 20),
        registry.pool("tail_cache", 64 << 20),
    ];
    pools[0].mirror(21 << 20, 96 << 20);
    pools[1].mirror(61 << 20, 64 << 20);
    pools[0].waited(std::time::Duration::from_millis(1_840));
    let faces = Faces {
        source: faked.clone(),
        registry,
        browsers: Some(Arc::new(FakedRecords)),
        values: None,
        node: None,
        admins: None,
        login: false,
        provider: None,
        base: String::new(),
    };
    let app = Arc::new(App::resting(faces, || BEGAN_MS + 900_400));
    let take = {
        let app = Arc::clone(&app);
        let faked = Arc::clone(&faked);
        move |now_ms: i64| {
            let _kept = &pools;
            faked.now_ms.store(now_ms, Ordering::Relaxed);
            app.trends.take(Reading {
                snapshot: Arc::new(faked.at(now_ms)),
                registry: Some(registry_at((now_ms - BEGAN_MS) as f64 / 1000.0)),
            });
        }
    };
    for second in 0..=900 {
        // A restart of the broker would look like this.
        if !(300..330).contains(&second) {
            take(BEGAN_MS + second * 1000);
        }
    }
    let tick = move || take(faked.now_ms.load(Ordering::Relaxed) + 1000);
    let routes = crate::routes::all(app);
    let routes = routes.layer(axum::Extension(limpid_access::Visitor::local()));
    (routes, tick)
}

fn registry_at(t: f64) -> RegistryReading {
    let api = |per_second: f64, ms: [f64; Stage::ALL.len()]| {
        let answered = (t * per_second) as u64;
        ApiTotals {
            answered,
            errors: (t * per_second * 0.002) as u64,
            stage_seconds: ms.map(|ms| ms / 1000.0 * answered as f64),
        }
    };
    RegistryReading {
        apis: BTreeMap::from([
            (
                "Produce".to_owned(),
                api(153.0, [0.02, 0.05, 0.0, 0.01, 0.41, 0.0, 0.0, 0.03, 0.06]),
            ),
            (
                "Fetch".to_owned(),
                api(210.0, [0.01, 0.02, 0.0, 0.0, 0.12, 0.0, 96.0, 0.2, 0.31]),
            ),
            (
                "Heartbeat".to_owned(),
                api(4.0, [0.01, 0.02, 0.0, 0.0, 0.02, 0.0, 0.0, 0.0, 0.02]),
            ),
            (
                "OffsetCommit".to_owned(),
                api(2.2, [0.01, 0.03, 0.0, 0.04, 0.22, 0.0, 0.0, 0.0, 0.03]),
            ),
            (
                "JoinGroup".to_owned(),
                api(0.03, [0.01, 0.02, 0.0, 0.0, 0.05, 0.0, 3012.0, 0.0, 0.03]),
            ),
        ]),
        buffers: vec![BufferReading {
            pool: "request_memory",
            used_bytes: 21 << 20,
            wait_seconds: 1.84,
        }],
    }
}
