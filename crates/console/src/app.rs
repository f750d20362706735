//! What every page is made of.

use std::sync::Arc;

use limpid_cluster::verdict::{self, BufferUse, Verdict};
use limpid_cluster::{
    ClusterAdmins, ClusterSnapshot, ClusterSource, NodeAdmin, Readiness, RecordBrowsers,
};
use limpid_telemetry::Registry;
use limpid_telemetry::pools::Pool;

use crate::Faces;
use crate::assets::Assets;
use crate::links::Links;
use crate::slots::Slots;
use crate::trends::{Now, Sampler, TREND_BYTES_MAX, Trends};
use crate::values::Values;

/// The console of one cluster.
pub(crate) struct App {
    pub(crate) source: Arc<dyn ClusterSource>,
    pub(crate) registry: Registry,
    pub(crate) browsers: Option<Arc<dyn RecordBrowsers>>,
    pub(crate) values: Option<Values>,
    pub(crate) node: Option<Arc<dyn NodeAdmin>>,
    pub(crate) admins: Option<Arc<dyn ClusterAdmins>>,
    /// Whether people can log in.
    pub(crate) login: bool,
    /// At whose page they can, too.
    pub(crate) provider: Option<String>,
    pub(crate) trends: Arc<Trends>,
    pub(crate) links: Links,
    pub(crate) assets: Assets,
    pub(crate) streams: Slots,
    /// Shows in the metrics what the trends take.
    _trend_pool: Arc<Pool>,
    _sampler: Option<Sampler>,
    clock: fn() -> i64,
}

impl App {
    /// Starts to sample.
    pub(crate) fn start(faces: Faces) -> std::io::Result<Self> {
        let mut app = Self::resting(faces, wall_ms);
        let sampler = Sampler::start(
            Arc::clone(&app.source),
            app.registry.clone(),
            Arc::clone(&app.trends),
            Arc::clone(&app._trend_pool),
        )?;
        app._sampler = Some(sampler);
        Ok(app)
    }

    /// Without a sampler: its trends are what they are given.
    pub(crate) fn resting(faces: Faces, clock: fn() -> i64) -> Self {
        Self {
            links: Links::new(&faces.base, faces.source.name()),
            _trend_pool: faces.registry.pool("console_trends", TREND_BYTES_MAX),
            source: faces.source,
            registry: faces.registry,
            browsers: faces.browsers,
            values: faces.values,
            node: faces.node,
            admins: faces.admins,
            login: faces.login,
            provider: faces.provider,
            trends: Arc::new(Trends::new()),
            assets: Assets::new(&faces.base),
            streams: Slots::default(),
            _sampler: None,
            clock,
        }
    }

    /// Wall-clock time.
    pub(crate) fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    /// One look that a whole page is made from.
    pub(crate) fn look(&self) -> Look {
        let snapshot = self.source.snapshot();
        let readiness = self.source.readiness();
        let now_ms = self.now_ms();
        let buffers = self.buffers();
        Look {
            verdict: verdict::judge(&snapshot, &readiness, &buffers, now_ms),
            now: self.trends.now(Arc::clone(&snapshot)),
            snapshot,
            readiness,
            buffers,
            now_ms,
        }
    }

    fn buffers(&self) -> Vec<BufferUse> {
        let pools = self.registry.pools();
        let buffer = |pool: &Arc<Pool>| BufferUse {
            pool: pool.name().to_owned(),
            used_bytes: pool.used(),
            limit_bytes: pool.limit(),
            high_water_bytes: pool.high_water(),
            wait_seconds: pool.wait_total().as_secs_f64(),
            waiting: self.trends.waiting(pool.name()),
        };
        pools.iter().map(buffer).collect()
    }
}

/// The cluster at one moment.
pub(crate) struct Look {
    pub(crate) snapshot: Arc<ClusterSnapshot>,
    pub(crate) readiness: Readiness,
    pub(crate) verdict: Verdict,
    pub(crate) buffers: Vec<BufferUse>,
    pub(crate) now: Now,
    pub(crate) now_ms: i64,
}

fn wall_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |s| i64::try_from(s.as_millis()).unwrap_or(i64::MAX))
}
