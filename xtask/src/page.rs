//! `cargo xtask page`: the page that explains decisions, one file that needs no network.
//!
//! Style, script, examples and the compiled core go into `explain-web/page/index.html`. The policy
//! names the script and the style by their digests, so that nothing else can run, and leaves no way
//! out of the page.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail, ensure};
use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use testbed::artifact::{self, root};
use testbed::tools::{Progress, Tools};

use crate::build::Artifact;
use crate::{bindgen, paint};

/// The time of the examples' tokens, `edgectl/tests/cases/explain.in/make.sh`.
const TIME_OF_EXAMPLES: &str = "2027-01-15T08:00:00Z";

/// What stands between wasm-bindgen's functions and the page's.
const LOADER: &str = "\
async function load(bytes) {
  await wasm_bindgen({ module_or_path: bytes });
  return wasm_bindgen;
}
";

/// An example of `explain-web/page/examples.json`.
#[derive(Deserialize)]
struct Example {
    name: String,
    request: String,
    /// A file of `edgectl/tests/cases/explain.in`, without its ending.
    token: Option<String>,
}

/// Builds the page and says where it is.
pub(crate) fn run() -> Result<ExitCode> {
    let tools = Tools::open(Progress::stderr())?;
    let page = Artifact::read(&build(&tools)?)?;
    paint::say(&format!(
        "path    {}\nbytes   {}\nsha256  {}\n\nOpen it in a browser, or serve it: cargo run -p edgectl -- explain --web",
        page.path.display(),
        page.bytes.len(),
        page.sha256()
    ));
    Ok(ExitCode::SUCCESS)
}

/// Builds `docs/explain/index.html`.
pub(crate) fn build(tools: &Tools) -> Result<PathBuf> {
    let wasm = artifact::explain_web(tools)?;
    let runner = tools.ensure(bindgen::tool()?)?;
    let folder = root().join("target/explain-web");
    let mut bindgen = Command::new(runner.with_file_name("wasm-bindgen"));
    bindgen.args(["--target", "no-modules", "--no-typescript", "--out-dir"]);
    bindgen.arg(&folder).arg(&wasm);
    let output = bindgen.output().context("cannot start wasm-bindgen")?;
    if !output.status.success() {
        bail!("wasm-bindgen: {}", String::from_utf8_lossy(&output.stderr));
    }
    let glue = read(&folder.join("explain_web.js"))?;
    let core =
        std::fs::read(folder.join("explain_web_bg.wasm")).context("wasm-bindgen left no module")?;
    let path = root().join("docs/explain/index.html");
    std::fs::write(&path, page(&glue, &core)?)
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

fn page(glue: &str, core: &[u8]) -> Result<String> {
    let source = |name: &str| read(&root().join("explain-web/page").join(name));
    let style = source("page.css")?;
    let script = format!("\"use strict\";\n{glue}\n{LOADER}\n{}", source("page.js")?);
    for (name, text) in [("script", &script), ("style", &style)] {
        let end = format!("</{name}");
        ensure!(
            !text.contains(&end),
            "the {name} holds {end}, which would end it"
        );
    }
    let policy = format!(
        "default-src 'none'; script-src '{}' 'wasm-unsafe-eval'; style-src '{}'; img-src data:; \
         connect-src 'none'; base-uri 'none'; form-action 'none'",
        digest(&script),
        digest(&style)
    );
    let mut page = source("index.html")?;
    for (name, text) in [
        ("{{policy}}", policy),
        ("{{style}}", style),
        ("{{examples}}", examples(&source("examples.json")?)?),
        ("{{core}}", BASE64.encode(core)),
        ("{{script}}", script),
    ] {
        ensure!(
            page.matches(name).count() == 1,
            "index.html has {name} not exactly once"
        );
        page = page.replace(name, &text);
    }
    Ok(page)
}

/// A source of Content-Security-Policy (CSP 3 section 2.3.1).
fn digest(text: &str) -> String {
    format!("sha256-{}", BASE64.encode(&Sha256::digest(text.as_bytes())))
}

/// The examples with their tokens and their configuration, as JSON that can stand in a page.
fn examples(list: &str) -> Result<String> {
    let folder = root().join("edgectl/tests/cases/explain.in");
    let configuration = read(&folder.join("edge.json"))?;
    let list: Vec<Example> = serde_json::from_str(list).context("examples.json")?;
    let examples = list
        .into_iter()
        .map(
            |Example {
                 name,
                 request,
                 token,
             }| {
                let token = token.map(|token| read(&folder.join(token).with_extension("jwt")));
                Ok(json!({
                    "name": name,
                    "request": request,
                    "token": token.transpose()?.unwrap_or_default().trim(),
                    "configuration": configuration.trim(),
                    "at": TIME_OF_EXAMPLES,
                }))
            },
        )
        .collect::<Result<Vec<_>>>()?;
    Ok(serde_json::to_string(&examples)?.replace('<', "\\u003c"))
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_holds_all_of_it_and_names_what_may_run() {
        let page = page("let wasm_bindgen = 0;", b"\0asm").unwrap();
        assert!(!page.contains("{{"), "a place was left");
        assert!(page.contains(&BASE64.encode(b"\0asm")));
        let script = page.rsplit_once("<script>").unwrap().1;
        let script = script.split_once("</script>").unwrap().0;
        assert!(page.contains(&format!("script-src '{}'", digest(script))));
        assert!(page.contains("connect-src 'none'"));
    }

    #[test]
    fn examples_end_no_script() {
        let listed = r#"[{"name":"</script>","request":"GET /","token":null}]"#;
        let examples = examples(listed).unwrap();
        assert!(!examples.contains('<'), "{examples}");
    }
}
