//! The metrics of telemetry itself and of the process as a whole.

/// Most families of which dropped label sets are counted one by one.
const FAMILIES_MAX: usize = 1_000;

type FamilyName = crate::label::Text<FAMILIES_MAX>;
/// One series: the label set of the running build.
type BuildLabel = crate::label::Text<1>;

crate::metrics! {
    /// What every Limpid counts about itself.
    pub struct OwnMetrics {
        /// 1, labelled with the version, the commit and the compiler of the running binary.
        pub build_info: gauge { version: BuildLabel, revision: BuildLabel, rustc: BuildLabel }
            = "limpid_build_info";
        /// Label sets beyond a limit: counted into the series "other", or left out of a page.
        pub series_dropped: counter { family: FamilyName } = "limpid_series_dropped_total";
        /// Log lines left out by the rate limit of their cause.
        pub log_lines_suppressed: counter = "limpid_log_lines_suppressed_total";
        /// Starts of the broker on a data directory that was not shut down cleanly.
        pub unclean_start: counter = "limpid_unclean_start_total"
    }
}

/// What `limpid_build_info` says.
#[derive(Debug, Clone, Copy)]
pub struct Build<'a> {
    /// Version of the binary.
    pub version: &'a str,
    /// Commit, or `unknown`.
    pub revision: &'a str,
    /// Compiler, or `unknown`.
    pub rustc: &'a str,
}

impl OwnMetrics {
    /// Publishes the build.
    pub fn set_build(&self, build: Build<'_>) {
        self.build_info
            .bind((build.version, build.revision, build.rustc))
            .set(1);
    }
}
