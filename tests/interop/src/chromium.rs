//! A real Chromium, steered over its debugging pipe: JSON messages, each ended by a zero byte.
//!
//! No port, no WebSocket: the browser reads from its file descriptor 3 and writes to 4, which the
//! shell makes of its standard input and output.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use serde_json::{Value, json};

use crate::process::wait_for;

/// The browser answers within this, or something is wrong.
const LIMIT: Duration = Duration::from_secs(60);
/// Window that pages are laid out for.
const WIDTH: u32 = 1360;

/// A running browser; dropping it ends it.
#[derive(Debug)]
pub struct Chromium {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    calls: u64,
    complaints: Vec<String>,
}

/// How a page is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// `prefers-color-scheme: dark`.
    pub dark: bool,
    /// With JavaScript.
    pub scripts: bool,
}

/// A page that is open.
#[derive(Debug)]
pub struct Tab {
    target: String,
    session: String,
}

impl Chromium {
    /// Starts `chromium` with a profile in `folder`.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn start(chromium: &Command, folder: &Path) -> Result<Self> {
        let flags = "--headless --no-sandbox --disable-gpu --hide-scrollbars --no-first-run \
                     --disable-background-networking --remote-debugging-pipe";
        let mut shell = Command::new("bash");
        shell.arg("-c");
        shell.arg(format!(
            "exec \"$0\" {flags} --user-data-dir=\"$1\" 3<&0 4>&1 0</dev/null 1>/dev/null"
        ));
        shell.arg(chromium.get_program()).arg(folder);
        let log = std::fs::File::create(folder.join("chromium.log"))?;
        let mut child = shell
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("cannot start chromium")?;
        let to = child.stdin.take().context("no pipe to chromium")?;
        let output = child.stdout.take().context("no pipe from chromium")?;
        let (sender, from) = channel();
        std::thread::spawn(move || {
            let messages = BufReader::new(output).split(0).map_while(|m| m.ok());
            let messages = messages.filter_map(|m| serde_json::from_slice(&m).ok());
            for message in messages {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            child,
            to,
            from,
            calls: 0,
            complaints: Vec::new(),
        })
    }

    /// Opens a page and waits until it is there.
    ///
    /// # Errors
    /// When the browser refuses or the page does not come.
    pub fn open(&mut self, url: &str, look: Look) -> Result<Tab> {
        let made = self.call(None, "Target.createTarget", json!({"url": "about:blank"}))?;
        let target = text_of(&made["targetId"])?;
        let attach = json!({"targetId": target, "flatten": true});
        let attached = self.call(None, "Target.attachToTarget", attach)?;
        let tab = Tab {
            session: text_of(&attached["sessionId"])?,
            target,
        };
        let scheme = if look.dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        for (method, parameters) in [
            ("Page.enable", json!({})),
            ("Runtime.enable", json!({})),
            ("Log.enable", json!({})),
            // A page in the background is not live, on purpose.
            ("Page.bringToFront", json!({})),
            (
                "Emulation.setFocusEmulationEnabled",
                json!({"enabled": true}),
            ),
            ("Emulation.setEmulatedMedia", json!({"features": features})),
            (
                "Emulation.setScriptExecutionDisabled",
                json!({"value": !look.scripts}),
            ),
            ("Page.navigate", json!({"url": url})),
        ] {
            self.call(Some(&tab), method, parameters)?;
        }
        self.resize(&tab, 900)?;
        let ready = "document.readyState === 'complete' && location.href !== 'about:blank'";
        wait_for(&format!("page {url}"), LIMIT, || {
            Ok((self.evaluate(&tab, ready)? == Value::Bool(true)).then_some(()))
        })?;
        Ok(tab)
    }

    /// Closes a page.
    ///
    /// # Errors
    /// When the browser is gone.
    pub fn close(&mut self, tab: Tab) -> Result<()> {
        let target = json!({"targetId": tab.target});
        self.call(None, "Target.closeTarget", target).map(drop)
    }

    /// The value of an expression in the page; works without its JavaScript, too.
    ///
    /// # Errors
    /// When the expression throws.
    pub fn evaluate(&mut self, tab: &Tab, expression: &str) -> Result<Value> {
        let asked = json!({"expression": expression, "returnByValue": true});
        let mut answer = self.call(Some(tab), "Runtime.evaluate", asked)?;
        if let Some(thrown) = answer.get("exceptionDetails") {
            bail!("{expression}: {thrown}");
        }
        Ok(answer["result"]["value"].take())
    }

    /// What people see in the elements that a selector finds, one line each.
    ///
    /// # Errors
    /// As [`Chromium::evaluate`].
    pub fn text(&mut self, tab: &Tab, selector: &str) -> Result<String> {
        let found = format!("[...document.querySelectorAll({selector:?})]");
        let text = self.evaluate(tab, &format!("{found}.map(e => e.innerText).join('\\n')"))?;
        text_of(&text)
    }

    /// A picture of the page, as high as it is.
    ///
    /// # Errors
    /// When the browser makes none.
    pub fn picture(&mut self, tab: &Tab) -> Result<Vec<u8>> {
        let height = self.evaluate(tab, "document.documentElement.scrollHeight")?;
        self.resize(tab, height.as_u64().unwrap_or(900))?;
        let format = json!({"format": "png"});
        let shot = self.call(Some(tab), "Page.captureScreenshot", format)?;
        let data = text_of(&shot["data"])?;
        Ok(base64::engine::general_purpose::STANDARD.decode(data)?)
    }

    /// Errors that pages wrote to the console since the last call, such as a violated policy.
    pub fn complaints(&mut self) -> Vec<String> {
        std::mem::take(&mut self.complaints)
    }

    fn resize(&mut self, tab: &Tab, height: u64) -> Result<()> {
        let size = json!({
            "width": WIDTH, "height": height, "deviceScaleFactor": 1, "mobile": false,
        });
        let method = "Emulation.setDeviceMetricsOverride";
        self.call(Some(tab), method, size).map(drop)
    }

    fn call(&mut self, tab: Option<&Tab>, method: &str, parameters: Value) -> Result<Value> {
        self.calls += 1;
        let mut message = json!({"id": self.calls, "method": method, "params": parameters});
        if let Some(tab) = tab {
            message["sessionId"] = json!(tab.session);
        }
        let mut bytes = serde_json::to_vec(&message)?;
        bytes.push(0);
        self.to.write_all(&bytes)?;
        loop {
            let answer = self.from.recv_timeout(LIMIT);
            let mut answer = answer.with_context(|| format!("no answer to {method}"))?;
            if answer["id"] == self.calls {
                let error = answer.get("error");
                ensure!(error.is_none(), "{method}: {}", answer["error"]);
                return Ok(answer["result"].take());
            }
            self.note(&answer);
        }
    }

    fn note(&mut self, event: &Value) {
        let entry = &event["params"]["entry"];
        match event["method"].as_str() {
            Some("Log.entryAdded") if entry["level"] == "error" => {
                self.complaints.push(entry["text"].to_string());
            }
            Some("Runtime.exceptionThrown") => {
                let thrown = &event["params"]["exceptionDetails"];
                self.complaints.push(thrown.to_string());
            }
            _ => {}
        }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Fails only when it is gone already; its helpers follow it.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn text_of(value: &Value) -> Result<String> {
    let text = value
        .as_str()
        .with_context(|| format!("no text: {value}"))?;
    Ok(text.to_owned())
}
