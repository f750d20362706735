//! The foreign programs the tests use, installed by the tests themselves into one cache folder.
//!
//! A tool that can't be had is an error: no test is skipped for the lack of one. What was
//! installed is remembered by the text that asked for it (a pom, a requirements file), so a
//! changed version is installed anew and an unchanged one costs nothing.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::process::{Finished, run};

/// Installing may have to download a hundred files.
const INSTALL_LIMIT: Duration = Duration::from_secs(600);
/// Compiling everything on a small machine.
const BUILD_LIMIT: Duration = Duration::from_secs(1_800);
const STAMP: &str = "installed-from";
/// 3.5.0, a long-term release.
const PROMETHEUS_3: &str = "github.com/prometheus/prometheus@v0.305.0";
/// The distribution's looks for its templates in a folder of the system, and installing it would start it.
const ALERTMANAGER: &str = "github.com/prometheus/alertmanager@v0.28.1";

/// The releases of Apache Kafka whose programs are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kafka {
    /// The last line before 4.0: old tools against a new broker.
    V3_7,
    /// The reference of behaviour.
    V4_3,
}

impl Kafka {
    /// Both releases.
    pub const ALL: [Self; 2] = [Self::V3_7, Self::V4_3];

    /// The full version.
    #[must_use]
    pub const fn version(self) -> &'static str {
        match self {
            Self::V3_7 => "3.7.1",
            Self::V4_3 => "4.3.0",
        }
    }

    const fn pom(self) -> &'static str {
        match self {
            Self::V3_7 => include_str!("../java/pom-3.7.1.xml"),
            Self::V4_3 => include_str!("../java/pom-4.3.0.xml"),
        }
    }
}

/// The folder of helper programs beside this package's manifest.
#[must_use]
pub fn helpers() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Where the tools are, or will be as soon as one is asked for.
#[derive(Clone, Debug)]
pub struct Tools {
    cache: PathBuf,
}

impl Tools {
    /// Uses the folder named by `LIMPID_INTEROP_TOOLS`, or one under the target directory.
    ///
    /// # Errors
    /// When the folder can't be made.
    pub fn open() -> Result<Self> {
        let cache = match std::env::var_os("LIMPID_INTEROP_TOOLS") {
            Some(folder) => PathBuf::from(folder),
            None => target_dir()?.join("interop-tools"),
        };
        std::fs::create_dir_all(&cache).with_context(|| format!("no folder {cache:?}"))?;
        Ok(Self { cache })
    }

    /// The class path of a Kafka release: the broker, its tools and what they need.
    ///
    /// # Errors
    /// When Maven can't bring it.
    pub fn class_path(&self, kafka: Kafka) -> Result<String> {
        self.maven(&format!("kafka-{}", kafka.version()), kafka.pom())
    }

    /// Jolokia's agent for a Java virtual machine.
    ///
    /// # Errors
    /// When Maven can't bring it.
    pub fn jolokia(&self) -> Result<PathBuf> {
        self.agent("jolokia", include_str!("../java/pom-jolokia.xml"))
    }

    /// jmx_exporter's agent for a Java virtual machine.
    ///
    /// # Errors
    /// When Maven can't bring it.
    pub fn jmx_exporter(&self) -> Result<PathBuf> {
        self.agent("jmx", include_str!("../java/pom-jmx.xml"))
    }

    /// The one archive that a pom names.
    fn agent(&self, name: &str, wanted: &str) -> Result<PathBuf> {
        let all = self.maven(name, wanted)?;
        let folder = Path::new(all.trim_end_matches('*'));
        let mut jars = std::fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path()));
        jars.find(|path| path.extension().is_some_and(|ext| ext == "jar"))
            .context("Maven brought no agent")
    }

    /// The class path of what a pom names.
    ///
    /// # Errors
    /// When Maven can't bring it.
    pub(crate) fn maven(&self, name: &str, wanted: &str) -> Result<String> {
        let folder = self.install(name, wanted, |folder| {
            let pom = folder.join("pom.xml");
            std::fs::write(&pom, wanted)?;
            let mut maven = Command::new("mvn");
            maven
                .args(["-q", "-B", "-f"])
                .arg(&pom)
                .arg("dependency:copy-dependencies");
            maven.arg("-DincludeScope=runtime");
            maven.arg(format!("-DoutputDirectory={}", folder.display()));
            run(&mut maven, b"", INSTALL_LIMIT)?.success()
        })?;
        Ok(format!("{}/*", folder.display()))
    }

    /// A Java virtual machine set up for short runs, with a Kafka release on its class path.
    ///
    /// # Errors
    /// When the release can't be had.
    pub fn java(&self, kafka: Kafka) -> Result<Command> {
        Ok(Self::java_with(&self.class_path(kafka)?))
    }

    /// A Java virtual machine set up for short runs.
    pub(crate) fn java_with(class_path: &str) -> Command {
        let mut java = Command::new("java");
        java.args([
            "-XX:TieredStopAtLevel=1",
            "-Xshare:auto",
            "-XX:+UseSerialGC",
            "-Xmx512m",
        ]);
        java.arg(format!("-Dlog4j.configuration=file:{}", log4j().display()));
        java.arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn");
        java.args(["-cp", class_path]);
        java
    }

    /// A Java virtual machine as it comes, for measurements.
    ///
    /// # Errors
    /// When the release can't be had.
    pub fn java_at_full_speed(&self, kafka: Kafka) -> Result<Command> {
        let mut java = Command::new("java");
        java.arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn");
        java.arg("-cp").arg(self.class_path(kafka)?);
        Ok(java)
    }

    /// A Python with kafka-python and the codecs it needs.
    ///
    /// # Errors
    /// When pip can't bring them.
    pub fn python(&self) -> Result<Command> {
        let wanted = include_str!("../python/requirements.txt");
        let folder = self.install("python", wanted, |folder| {
            let mut venv = Command::new("python3");
            run(venv.args(["-m", "venv"]).arg(folder), b"", INSTALL_LIMIT)?.success()?;
            let mut pip = Command::new(folder.join("bin/pip"));
            pip.args([
                "install",
                "-q",
                "--no-input",
                "--disable-pip-version-check",
                "-r",
            ]);
            pip.arg(helpers().join("python/requirements.txt"));
            run(&mut pip, b"", INSTALL_LIMIT)?.success()
        })?;
        Ok(Command::new(folder.join("bin/python")))
    }

    /// Node with KafkaJS.
    ///
    /// # Errors
    /// When npm can't bring it.
    pub fn node(&self) -> Result<Command> {
        let wanted = include_str!("../node/package.json");
        let folder = self.install("node", wanted, |folder| {
            std::fs::write(folder.join("package.json"), wanted)?;
            let mut npm = Command::new("npm");
            npm.args(["install", "--silent", "--no-audit", "--no-fund"]);
            run(npm.current_dir(folder), b"", INSTALL_LIMIT)?.success()
        })?;
        let mut node = Command::new("node");
        node.env("NODE_PATH", folder.join("node_modules"));
        Ok(node)
    }

    /// Telegraf's agent with the inputs for Jolokia, and its own example of a configuration for Kafka.
    ///
    /// # Errors
    /// When Go can't build it.
    pub fn telegraf(&self) -> Result<(PathBuf, PathBuf)> {
        let module = include_str!("../go/telegraf/go.mod");
        let source = include_str!("../go/telegraf/main.go");
        let folder = self.install("telegraf", &format!("{module}{source}"), |folder| {
            std::fs::write(folder.join("go.mod"), module)?;
            std::fs::write(folder.join("main.go"), source)?;
            let mut build = Command::new("go");
            build.args(["build", "-mod=mod", "-o", "telegraf", "."]);
            run(build.current_dir(folder), b"", INSTALL_LIMIT)?.success()?;
            let mut whole = Command::new("go");
            whole.args(["list", "-mod=mod", "-m", "-f", "{{.Dir}}"]);
            whole.arg("github.com/influxdata/telegraf");
            let whole = run(whole.current_dir(folder), b"", INSTALL_LIMIT)?.success()?;
            let example = "plugins/inputs/jolokia2_agent/examples/kafka.conf";
            std::fs::copy(
                Path::new(whole.text().trim()).join(example),
                folder.join("kafka.conf"),
            )?;
            Ok(whole)
        })?;
        Ok((folder.join("telegraf"), folder.join("kafka.conf")))
    }

    /// A producer of franz-go: `HOST:PORT TOPIC CLIENT-ID`.
    ///
    /// # Errors
    /// When go, or the module, can't be had.
    pub fn franz(&self) -> Result<Command> {
        let (main, module, sums) = (
            include_str!("../franz/main.go"),
            include_str!("../franz/go.mod"),
            include_str!("../franz/go.sum"),
        );
        let wanted = [main, module, sums].concat();
        let folder = self.install("franz", &wanted, |folder| {
            for (name, text) in [("main.go", main), ("go.mod", module), ("go.sum", sums)] {
                std::fs::write(folder.join(name), text)?;
            }
            let mut go = Command::new("go");
            go.args(["build", "-mod=readonly", "-o", "pushing", "."]);
            go.env("GOTOOLCHAIN", "local").current_dir(folder);
            run(&mut go, b"", INSTALL_LIMIT)?.success()
        })?;
        Ok(Command::new(folder.join("pushing")))
    }

    /// kcat, from the distribution.
    ///
    /// # Errors
    /// When it is not installed and can't be.
    pub fn kcat(&self) -> Result<Command> {
        if run(Command::new("kcat").arg("-V"), b"", INSTALL_LIMIT).is_err() {
            apt(&["update", "-qq"])?;
            apt(&["install", "-y", "-qq", "--no-install-recommends", "kcat"])?;
        }
        let mut kcat = Command::new("kcat");
        // Cargo names the folder of a librdkafka of its own there, which has no TLS.
        kcat.env_remove("LD_LIBRARY_PATH");
        Ok(kcat)
    }

    /// Chromium, from the distribution.
    ///
    /// # Errors
    /// When it is not installed and can't be.
    pub fn chromium(&self) -> Result<Command> {
        let mut version = Command::new("chromium");
        if run(version.arg("--version"), b"", INSTALL_LIMIT).is_err() {
            apt(&["update", "-qq"])?;
            apt(&[
                "install",
                "-y",
                "-qq",
                "--no-install-recommends",
                "chromium",
            ])?;
        }
        Ok(Command::new("chromium"))
    }

    /// One of the two programs of the distribution's Prometheus (2.42): `prometheus` or `promtool`.
    ///
    /// # Errors
    /// When the package can't be had.
    pub fn prometheus(&self, program: &str) -> Result<Command> {
        let folder = self.unpacked("prometheus")?;
        Ok(Command::new(folder.join("usr/bin").join(program)))
    }

    /// Alertmanager 0.28, built from its Go module.
    ///
    /// # Errors
    /// When Go can't bring or build it.
    pub fn alertmanager(&self) -> Result<Command> {
        self.built("alertmanager", ALERTMANAGER)
    }

    /// Prometheus 3, built from its Go module, which no distribution has yet.
    ///
    /// # Errors
    /// When Go can't bring or build it.
    pub fn prometheus_3(&self) -> Result<Command> {
        self.built("prometheus", PROMETHEUS_3)
    }

    /// The program of this name in the folder `cmd` of a Go module, `MODULE@VERSION`.
    fn built(&self, program: &str, wanted: &str) -> Result<Command> {
        let name = format!("{program}-built");
        let folder = self.install(&name, wanted, |folder| {
            std::fs::write(
                folder.join("go.mod"),
                "module limpid.test/tools\n\ngo 1.24\n",
            )?;
            let go = |words: &[&str]| {
                let mut go = Command::new("go");
                run(go.current_dir(folder).args(words), b"", BUILD_LIMIT)?.success()
            };
            go(&["get", wanted])?;
            let (module, _) = wanted.split_once('@').context("no version")?;
            let source = format!("{module}/cmd/{program}");
            go(&["build", "-mod=mod", "-o", program, &source])
        })?;
        Ok(Command::new(folder.join(program)))
    }

    /// A package of the distribution, unpacked and not installed, because installing it would start a
    /// service.
    fn unpacked(&self, package: &str) -> Result<PathBuf> {
        self.install(package, package, |folder| {
            apt(&["update", "-qq"])?;
            let mut download = Command::new("apt-get");
            // apt hands the download to a user of its own, who can't write to this folder.
            let sandbox = "APT::Sandbox::User=root";
            download.args(["download", "-qq", "-o", sandbox, package]);
            run(download.current_dir(folder), b"", INSTALL_LIMIT)?.success()?;
            let package = std::fs::read_dir(folder)?
                .filter_map(|entry| Some(entry.ok()?.path()))
                .find(|path| path.extension().is_some_and(|ext| ext == "deb"))
                .context("apt-get download left no package")?;
            let mut unpack = Command::new("dpkg");
            unpack.arg("-x").arg(package).arg(folder);
            run(&mut unpack, b"", INSTALL_LIMIT)?.success()
        })
    }

    /// Makes `folder` through `make` unless it was made from the same `wanted` text before.
    pub(crate) fn install(
        &self,
        name: &str,
        wanted: &str,
        make: impl FnOnce(&Path) -> Result<Finished>,
    ) -> Result<PathBuf> {
        let folder = self.cache.join(name);
        let stamp = folder.join(STAMP);
        if std::fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
            return Ok(folder);
        }
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        make(&folder).with_context(|| format!("cannot install {name}"))?;
        std::fs::write(stamp, wanted)?;
        Ok(folder)
    }
}

/// Silences the 3.7 line's logging, which is set up by a file and not by properties.
fn log4j() -> PathBuf {
    helpers().join("java/log4j.properties")
}

fn apt(args: &[&str]) -> Result<Finished> {
    let mut command = Command::new("apt-get");
    command.args(args).env("DEBIAN_FRONTEND", "noninteractive");
    run(&mut command, b"", INSTALL_LIMIT)?.success()
}

/// The target directory this test program was built into.
///
/// # Errors
/// When the program doesn't lie where Cargo puts test programs.
pub fn target_dir() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    // <target>/<profile>/deps/<program>, or <target>/<profile>/<program> for a binary.
    let folder = program
        .ancestors()
        .find(|folder| folder.join(".rustc_info.json").exists())
        .or_else(|| program.ancestors().nth(3));
    let folder = folder.context("no target directory above this program")?;
    ensure!(folder.is_dir(), "{folder:?} is no target directory");
    Ok(folder.to_owned())
}

/// The release binary of Limpid: `LIMPID_BIN`, or the one in the target directory, built (or
/// found up to date) by Cargo.
///
/// # Errors
/// When it can't be built.
pub fn limpid_binary() -> Result<PathBuf> {
    if let Some(binary) = std::env::var_os("LIMPID_BIN") {
        let binary = PathBuf::from(binary);
        ensure!(
            binary.is_file(),
            "LIMPID_BIN names {binary:?}, which is no file"
        );
        return Ok(binary);
    }
    let target = target_dir()?;
    build(&target, &["--release"])?;
    Ok(target.join("release/limpid"))
}

/// Limpid with one of the bugs of `limpid_platform::sabotage` in it, as a script around a build that
/// is kept apart from all other builds; unoptimized, because it is compiled only to be found out.
///
/// # Errors
/// When Cargo fails.
pub fn build_sabotaged(target: &Path, bug: &str) -> Result<PathBuf> {
    build(target, &["--features", "sabotage"])?;
    let program = target.join("debug/limpid");
    let script = target.join(bug);
    let text = format!("#!/bin/sh\nSABOTAGE={bug} exec {program:?} \"$@\"\n");
    std::fs::write(&script, text)?;
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))?;
    Ok(script)
}

fn build(target: &Path, options: &[&str]) -> Result<()> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--bin", "limpid", "--manifest-path"]);
    cargo
        .arg(helpers().join("../../Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .args(options);
    run(&mut cargo, b"", BUILD_LIMIT)?.success()?;
    Ok(())
}
