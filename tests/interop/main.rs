//! Tests against real Kafka clients, tools and Apache Kafka itself.
//!
//! They run one after another on two cores, share one broker where they can, and are listed here
//! in the order in which they run: those that write come before those that read what all wrote,
//! and those that need the broker stopped come last. Arguments are parts of the names to run.
#![allow(
    clippy::print_stderr,
    reason = "this program reports to a person or a CI log"
)]

mod admin;
mod alarms;
mod beans;
mod compaction;
mod connect;
mod console;
mod demo;
mod differential;
mod dump_log;
mod exchange;
mod exemplars;
#[path = "../facts/facts.rs"]
mod facts;
mod flink;
mod groups;
mod java_admin;
mod java_client;
mod java_scenarios;
mod java_tools;
mod jolokia;
mod kcat;
mod kill9;
mod librdkafka;
mod limits;
mod observed;
mod oidc;
mod own_client;
mod percentiles;
mod prometheus;
mod pushed;
mod python;
mod security;
mod streams;
mod torture;
mod traces;
mod transactions;
mod values;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use limpid_interop::coverage::Coverage;
use limpid_interop::lab::Lab;
use limpid_interop::peer::Kind;

type Test = (&'static str, fn(&mut Lab) -> Result<()>);

/// Pairs each test with its own path as its name.
macro_rules! tests {
    ($($path:path,)*) => {
        &[$((stringify!($path), $path),)*]
    };
}

const TESTS: &[Test] = tests![
    librdkafka::writes_with_every_codec,
    librdkafka::keys_land_where_murmur2_says,
    librdkafka::idempotent_writes,
    kcat::lists,
    kcat::writes_with_every_codec,
    python::writes_with_every_codec,
    python::keys_land_where_murmur2_says,
    java_client::writes_with_every_codec,
    java_client::idempotent_writes,
    own_client::writes_with_every_codec,
    own_client::groups,
    java_tools::manage_topics,
    java_tools::console,
    java_admin::configs,
    java_admin::loggers,
    java_admin::cluster,
    java_admin::client_metrics,
    pushed::metrics_of_clients_are_shown,
    java_admin::partitions,
    java_admin::placement::reassignments,
    java_admin::placement::elections,
    java_admin::placement::offsets,
    java_admin::placement::further,
    java_admin::measure,
    groups::sharing::partitions_are_shared_and_the_fourth_member_idles,
    groups::sharing::two_groups_each_see_every_message,
    groups::sharing::a_killed_members_partitions_are_taken_over,
    groups::cooperative::a_rebalance_moves_only_what_it_must,
    groups::next::librdkafka_members_share,
    groups::next::java_members_and_tools,
    groups::next::a_group_migrates_and_comes_back,
    groups::patterns::mean_what_may_be_described,
    groups::handover::a_group_is_handed_over,
    groups::shares::console_and_tools,
    groups::shares::a_java_member_says_what_becomes_of_records,
    groups::churn::two_hundred_members_come_and_go,
    admin::records_are_deleted_partitions_added_and_directories_told,
    groups::tools::consumer_groups,
    groups::resets::offsets,
    groups::tools::the_offsets_topic_is_readable,
    transactions::commit_and_abort,
    transactions::zombies_are_fenced,
    transactions::read_process_write,
    transactions::late_transactions_are_aborted,
    transactions::tools,
    java_scenarios::groups,
    java_scenarios::records,
    java_scenarios::every_admin_call,
    streams::exactly_once,
    connect::standalone,
    connect::two_workers,
    flink::copies_exactly_once,
    security::entrance::clients_get_in_by_every_listener,
    security::entrance::strangers_stay_outside,
    security::entrance::certificates_are_swapped_while_it_runs,
    security::renewal::logins_run_out,
    security::users::are_made_changed_and_removed,
    security::users::the_first_ones_come_with_the_format,
    security::access::rules_are_obeyed,
    limits::quotas::are_set_shown_and_removed,
    limits::quotas::producers_are_held_back,
    limits::quotas::consumers_are_held_back,
    limits::quotas::members_of_share_groups_are_held_back,
    limits::quotas::changes_are_rationed,
    limits::connections::are_counted,
    dump_log::writes_many_segments,
    kcat::reads_everything,
    python::reads_everything,
    java_client::reads_everything,
    prometheus::promtool_finds_no_fault,
    prometheus::the_rules_pass_their_tests,
    prometheus::a_prometheus_scrapes_and_answers,
    exemplars::a_prometheus_finds_the_trace_of_a_record,
    observed::the_demo_in_a_real_prometheus,
    traces::are_linked_over_grpc,
    traces::are_linked_over_http,
    alarms::every_name_has_series,
    alarms::fire_in_scripted_faults,
    alarms::fire_when_the_machine_fails,
    alarms::fire_over_what_a_larger_cluster_left,
    alarms::fire_within_a_control_group,
    beans::are_those_of_kafka,
    values::are_those_of_kafka_by_strimzis_rules,
    values::are_those_of_kafka_by_confluents_rules,
    percentiles::are_those_of_kafka,
    jolokia::telegraf_gathers_what_kafka_gives,
    jolokia::a_scripted_client_is_told_the_same,
    oidc::people_log_in_by_a_provider,
    console::chromium_shows_the_demo,
    dump_log::reads_every_file,
    exchange::kafka_takes_over_what_all_tests_wrote,
    exchange::kafka_opens_after_a_kill,
    exchange::limpid_opens_what_kafka_wrote,
    exchange::limpid_opens_what_a_killed_kafka_wrote,
    exchange::state::goes_to_kafka_and_back,
    exchange::state::comes_from_a_killed_kafka_and_goes_back,
    compaction::both_compact_alike_and_go_on_with_the_others_log,
    own_client::groups_on_apache_kafka,
    demo::runs_on_apache_kafka,
    differential::answers_are_kafkas,
    groups::resume::a_group_resumes_at_its_commit_after_kill_9,
    groups::shares::what_was_accepted_stays_so_after_kill_9,
    transactions::kill::transactions_stay_whole,
    kill9::no_acknowledged_record_is_lost_or_doubled,
    kill9::nothing_comes_twice_when_the_disk_is_awaited,
    kill9::the_checker_notices_early_acknowledgements,
    kill9::the_checker_notices_forgotten_producers,
    torture::nothing_is_found_in_a_short_run,
    torture::every_planted_bug_is_found,
];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    if std::env::args().any(|arg| arg == "--list") {
        TESTS.iter().for_each(|(name, _)| eprintln!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    match run_all(&wanted) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the tests could not be run: {error:?}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the tests whose name contains one of `wanted` (all without any) and counts the failed.
fn run_all(wanted: &[String]) -> Result<usize> {
    let root = tempfile::Builder::new()
        .prefix("limpid-interop-")
        .tempdir()?;
    let mut lab = Lab::open(root.path())?;
    eprintln!("against {}: {:?}", lab.kind().name(), lab.kind());
    let chosen = |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part));
    let start = Instant::now();
    let (mut passed, mut failed) = (0, Vec::new());
    let mut coverage = Coverage::default();
    for (name, test) in TESTS.iter().filter(|(name, _)| chosen(name)) {
        eprintln!("test {name} ...");
        let begun = Instant::now();
        let outcome = test(&mut lab);
        let suite = name.split("::").next().unwrap_or(name);
        coverage.add(suite, lab.answered());
        match outcome {
            Ok(()) => {
                passed += 1;
                eprintln!(
                    "test {name} ... ok ({:.1} s)",
                    begun.elapsed().as_secs_f64()
                );
            }
            Err(error) => {
                let cause = cause_of(&error);
                eprintln!(
                    "test {name} ... FAILED ({:.1} s): {cause}",
                    begun.elapsed().as_secs_f64()
                );
                eprintln!("{}", end_of(&format!("{error:#}")));
                if let Some(log) = lab.subject_log() {
                    eprintln!("--- log of the broker\n{}", end_of(&log));
                }
                failed.push((*name, cause));
            }
        }
    }
    let took = start.elapsed().as_secs_f64();
    let names: Vec<&str> = failed.iter().map(|(name, _)| *name).collect();
    eprintln!(
        "{passed} passed, {} failed in {took:.0} s: {names:?}",
        failed.len()
    );
    // Once more at the end: what is between may be cut by whoever keeps the output.
    for (name, cause) in &failed {
        eprintln!("{name}: {cause}");
    }
    if !failed.is_empty() {
        eprintln!("files of the run are kept in {:?}", root.keep());
    }
    anyhow::ensure!(
        passed + failed.len() > 0,
        "no test has a name like {wanted:?}"
    );
    let is_limpid = matches!(lab.kind(), Kind::Limpid(_));
    if failed.is_empty() && is_limpid {
        compatibility(coverage, wanted.is_empty())?;
    }
    Ok(failed.len())
}

/// What an error began with, in a few lines.
fn cause_of(error: &anyhow::Error) -> String {
    error.root_cause().to_string().chars().take(2_000).collect()
}

/// What of it goes to the terminal: the files of the run have all of it, and whoever keeps the output keeps
/// only so much.
fn end_of(text: &str) -> &str {
    const SHOWN: usize = 3_000;
    &text[text.ceil_char_boundary(text.len().saturating_sub(SHOWN))..]
}

/// Makes docs/compatibility.md with `LIMPID_BLESS`, anew if `all` tests were run; otherwise looks
/// whether it is complete.
fn compatibility(mut coverage: Coverage, all: bool) -> Result<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/compatibility.md");
    if std::env::var_os("LIMPID_BLESS").is_none() {
        return coverage.check(&std::fs::read_to_string(file)?);
    }
    if !all {
        coverage.add_page(&std::fs::read_to_string(&file).unwrap_or_default());
    }
    Ok(std::fs::write(file, coverage.page())?)
}
