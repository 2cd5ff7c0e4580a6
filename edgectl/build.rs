//! Takes the page of `edgectl explain --web` in, if `cargo xtask page` has built it.

use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{env, error, fs, io};

fn main() -> Result<(), Box<dyn error::Error>> {
    let folder = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../docs/explain");
    println!("cargo::rerun-if-changed={}", folder.display());
    let page = folder.join("index.html");
    let code = if page.is_file() {
        let built = fs::metadata(&page)?.modified()?;
        for source in ["../src", "../explain-web/src"] {
            println!("cargo::rerun-if-changed={source}");
            if newest(Path::new(source))?.is_some_and(|changed| changed > built) {
                println!(
                    "cargo::warning=docs/explain/index.html is older than {source}, and would explain by \
                     what was there before: run `cargo xtask page`"
                );
            }
        }
        format!("Some(include_str!({:?}))", page.canonicalize()?)
    } else {
        "None".to_owned()
    };
    let code =
        format!("/// The page, if it was built before.\nconst PAGE: Option<&str> = {code};\n");
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("page.rs"), code)?;
    Ok(())
}

/// When a file in a folder was changed last.
fn newest(folder: &Path) -> io::Result<Option<SystemTime>> {
    let mut last = None;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let changed = if path.is_dir() {
            newest(&path)?
        } else {
            Some(fs::metadata(&path)?.modified()?)
        };
        last = last.max(changed);
    }
    Ok(last)
}
