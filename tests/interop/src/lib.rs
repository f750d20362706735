//! The harness of the interop tests: foreign tools, brokers as peers, records and their oracle.

pub mod bench;
pub mod chance;
pub mod chromium;
pub mod counted;
pub mod coverage;
pub mod disk;
pub mod dump_log;
pub mod hostile;
pub mod http;
pub mod java;
pub mod kills;
pub mod lab;
pub mod librdkafka;
pub mod member;
pub mod peer;
pub mod ports;
pub mod process;
pub mod process_usage;
pub mod records;
pub mod scale;
pub mod statistics;
pub mod talk;
pub mod tools;
pub mod torture;
pub mod wire;
