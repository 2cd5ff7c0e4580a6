//! Takes the page of `edgectl explain --web` in, if `cargo xtask page` has built it.

use std::path::PathBuf;
use std::{env, error, fs};

fn main() -> Result<(), Box<dyn error::Error>> {
    let folder = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../docs/explain");
    println!("cargo::rerun-if-changed={}", folder.display());
    let page = folder.join("index.html");
    let code = if page.is_file() {
        format!("Some(include_str!({:?}))", page.canonicalize()?)
    } else {
        "None".to_owned()
    };
    let code =
        format!("/// The page, if it was built before.\nconst PAGE: Option<&str> = {code};\n");
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("page.rs"), code)?;
    Ok(())
}
