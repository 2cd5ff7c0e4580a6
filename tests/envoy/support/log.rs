//! What Envoy, and the nodes, have written.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What a log can take to be written, on a busy machine.
const LOGGED: Duration = Duration::from_secs(5);

/// A line of the access log.
#[derive(Debug, Clone, serde::Deserialize)]
pub(crate) struct Entry {
    pub(crate) method: String,
    pub(crate) path: Option<String>,
    pub(crate) status: u16,
    /// Who answered: `via_upstream` is a node.
    pub(crate) details: String,
    /// The node that was asked.
    pub(crate) upstream: Option<String>,
}

impl Entry {
    /// `None` for bytes that Envoy could not read as a request: what it logs of them has no method.
    pub(crate) fn of(line: &str) -> Option<Self> {
        let entry: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        if entry["method"].is_null() {
            assert_eq!(entry["details"], "http1.codec_error", "{line}");
            return None;
        }
        Some(serde_json::from_value(entry).unwrap_or_else(|e| panic!("{e}: {line}")))
    }
}

/// A place in a log file.
#[derive(Debug, Clone)]
pub(crate) struct LogMark {
    file: PathBuf,
    offset: usize,
}

impl PartialEq for LogMark {
    /// Of the same log: the first mark counts.
    fn eq(&self, other: &Self) -> bool {
        self.file == other.file
    }
}

impl LogMark {
    /// The whole log.
    pub(crate) fn start_of(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
            offset: 0,
        }
    }

    /// What is written from now on.
    pub(crate) fn end_of(file: &Path) -> Self {
        let length = std::fs::metadata(file).map_or(0, |data| data.len());
        Self {
            file: file.to_owned(),
            offset: usize::try_from(length).unwrap(),
        }
    }

    /// What stands after the mark.
    pub(crate) fn text(&self) -> String {
        let bytes = std::fs::read(&self.file).unwrap_or_default();
        String::from_utf8_lossy(bytes.get(self.offset..).unwrap_or_default()).into_owned()
    }

    /// Waits for a line after the mark that contains `part`.
    pub(crate) fn wait_for(&self, part: &str) -> String {
        self.wait_until(part, |text| {
            text.lines()
                .find(|line| line.contains(part))
                .map(str::to_owned)
        })
    }

    pub(crate) fn wait_until<T>(&self, awaited: &str, pick: impl Fn(String) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(picked) = pick(self.text()) {
                return picked;
            }
            assert!(
                start.elapsed() < LOGGED,
                "no {awaited:?} in {}:\n{}",
                self.file.display(),
                self.excerpt()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The last lines after the mark.
    pub(crate) fn excerpt(&self) -> String {
        const LINES: usize = 30;
        let text = self.text();
        let lines: Vec<String> = text.lines().map(shortened).collect();
        let last = lines
            .get(lines.len().saturating_sub(LINES)..)
            .unwrap_or_default();
        format!(
            "  log {}:\n  | {}",
            self.file.display(),
            last.join("\n  | ")
        )
    }
}

/// The lines of the access log in Envoy's output. It is written in blocks, between which lines of
/// Envoy's own log may stand, so these are taken out first, wherever they are.
pub(crate) fn access_log(output: &str) -> String {
    let mut log = String::with_capacity(output.len());
    for line in output.split_inclusive('\n') {
        match log_line_start(line) {
            Some(start) => log.push_str(&line[..start]),
            None => log.push_str(line),
        }
    }
    // The first line is the command, and Envoy's log has lines without a date.
    log.split_inclusive('\n')
        .filter(|line| line.starts_with('{'))
        .collect()
}

/// Where a line of Envoy's own log begins: `[2026-11-24 22:19:48.685][28692][info]`.
fn log_line_start(line: &str) -> Option<usize> {
    const DATE: &str = "[####-##-## ##:##:##.###][";
    let is_date = |window: &[u8]| {
        window
            .iter()
            .zip(DATE.bytes())
            .all(|(found, wanted)| match wanted {
                b'#' => found.is_ascii_digit(),
                wanted => *found == wanted,
            })
    };
    line.as_bytes().windows(DATE.len()).position(is_date)
}

/// A line of Envoy's log as a person wants to see it: of the access log, what it is about.
fn shortened(line: &str) -> String {
    match serde_json::from_str::<Entry>(line) {
        Ok(entry) => {
            let Entry {
                method,
                path,
                status,
                details,
                upstream,
                ..
            } = entry;
            let path = path.unwrap_or_default();
            format!(
                "{method} {path} -> {status} {details} {}",
                upstream.unwrap_or_default()
            )
        }
        Err(_) => line.to_owned(),
    }
}
