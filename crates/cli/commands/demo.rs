//! `limpid demo`: start, tell, wait, stop; or change or remove one that was started elsewhere.

use std::process::ExitCode;

use limpid_demo::{Demo, Pace, Place};
use limpid_server::{LOG_TARGETS, Stopped};
use limpid_telemetry::logging::{self, LogOptions};

use super::signals::Signals;
use crate::args::DemoArgs;

/// The terminal is for the guide: only what goes wrong is logged.
const LOG_LEVEL: &str = "warn,limpid_demo=info";

/// Runs the demo until a signal ends it.
pub fn run(args: &DemoArgs) -> anyhow::Result<ExitCode> {
    let place = place(args);
    let pace = args.speed_up.then_some(Pace::Unlimited).or(args.slow_down);
    if let Some(pace) = pace {
        println!("{}", limpid_demo::set_pace(&place, pace)?);
        return Ok(ExitCode::SUCCESS);
    }
    if args.clean {
        for line in limpid_demo::clean(&place)? {
            println!("{line}");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let log = logging::init(&LogOptions {
        filter: LOG_LEVEL.to_owned(),
        targets: LOG_TARGETS,
        ..LogOptions::default()
    })?;
    limpid_server::watch_panics();
    let registry = super::registry(&log)?;
    let signals = Signals::listen()?;
    let demo = Demo::start(&place, args.slow_rate, &registry, log.loggers())?;
    println!("{}", demo.guide());
    signals.wait();
    println!("stopping: members leave, services send their last");
    let stopped = demo.stop();
    drop(log);
    Ok(match stopped {
        Stopped::Clean | Stopped::CutOff => ExitCode::SUCCESS,
        Stopped::Unclean => ExitCode::FAILURE,
    })
}

fn place(args: &DemoArgs) -> Place {
    match &args.bootstrap_server {
        Some(bootstrap_servers) => Place::Cluster {
            bootstrap_servers: bootstrap_servers.clone(),
            command_config: args.command_config.clone(),
        },
        None => Place::Own {
            dir: args.dir.clone(),
            port: args.port,
            http_port: args.http_port,
        },
    }
}
