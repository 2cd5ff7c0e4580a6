//! The filter's decisions, explained in a browser.
//!
//! What the page asks and gets is text: JSON of an [`Explanation`](registry_token_filter::explain::Explanation)
//! or of a [`LogExplanation`](registry_token_filter::explain::LogExplanation), as `edgectl explain
//! --json` prints it, or `{"error": "…"}` with the sentence that `edgectl` says. Everything else,
//! how it looks and that nothing leaves the page, is `page/`.

use std::time::Duration;

use registry_token_filter::UnixTime;
use registry_token_filter::explain::{Inquiry, LogLine, parse_moment};
use serde::Serialize;
use wasm_bindgen::prelude::wasm_bindgen;

/// Explains a request.
///
/// `at` is a time as people write it; if it is blank, `now` counts, in milliseconds since 1970 as
/// JavaScript has it.
#[wasm_bindgen]
#[must_use]
pub fn explain(configuration: &str, request: &str, token: &str, at: &str, now: f64) -> String {
    let now = match at.trim() {
        "" => Ok(browser_time(now)),
        at => parse_moment(at).map_err(|error| error.to_string()),
    };
    json(now.and_then(|now| {
        Inquiry {
            configuration,
            request,
            token,
            now,
        }
        .explain()
        .map_err(|error| error.to_string())
    }))
}

/// Explains a line of the filter's log.
#[wasm_bindgen]
#[must_use]
pub fn explain_log_line(line: &str) -> String {
    json(
        LogLine::parse(line)
            .map(|line| line.explain())
            .map_err(|error| error.to_string()),
    )
}

fn json<T: Serialize>(told: Result<T, String>) -> String {
    let text = match told {
        Ok(told) => serde_json::to_string(&told),
        Err(error) => serde_json::to_string(&serde_json::json!({ "error": error })),
    };
    // Maps of texts have no way to fail.
    text.unwrap_or_else(|_| "{\"error\":\"the explanation cannot be written\"}".to_owned())
}

/// The browser's clock; before 1970 and past the calendar it counts as 1970.
fn browser_time(milliseconds: f64) -> UnixTime {
    let since = Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or_default();
    UnixTime::new(since)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_explained_is_said_in_the_words_of_the_command() {
        for (at, said) in [
            ("tomorrow", "is no time"),
            ("", "the plugin configuration is empty"),
        ] {
            let told = explain("", "GET /v2/", "", at, 1.8e12);
            assert!(
                told.starts_with("{\"error\":") && told.contains(said),
                "{told}"
            );
        }
        assert!(explain_log_line("x").contains("not the filter's"));
    }

    #[test]
    fn the_browsers_clock_is_in_milliseconds() {
        assert_eq!(browser_time(1.8e12).seconds(), 1_800_000_000);
        for wrong in [-1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(browser_time(wrong).seconds(), 0);
        }
    }
}
