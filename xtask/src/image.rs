//! `cargo xtask image`: the filter as OCI images.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use testbed::artifact::{self, root};
use testbed::image::{self, Form};
use testbed::tools::{Progress, Tools};

use crate::cli::Image;
use crate::paint;

/// Builds the artifact and both images of it, and pushes them if that was asked for.
pub(crate) fn run(options: &Image) -> Result<ExitCode> {
    let tools = Tools::open(Progress::stderr())?;
    let certificates = match &options.rootcertbundle {
        Some(file) => Some(std::path::absolute(file).context("--rootcertbundle")?),
        None => None,
    };
    let wasm = match (&options.wasm, &certificates) {
        (Some(file), _) => file.clone(),
        (None, None) => artifact::filter(&tools)?,
        (None, Some(file)) => artifact::filter_with_certificates(&tools, file)?,
    };
    let folder = match &options.output {
        Some(folder) => folder.clone(),
        None => root().join("target/image"),
    };
    for image in image::write(&wasm, &folder)? {
        let pushed = options.push.as_ref().map(|reference| match image.form {
            Form::Compat => reference.clone(),
            Form::Artifact => format!("{reference}-{}", image.form.name()),
        });
        if let Some(reference) = &pushed {
            if !names_a_tag(reference) {
                bail!("--push: found {reference}; expected HOST/NAME:TAG");
            }
            let what = format!("pushing {reference}");
            tools
                .progress()
                .step(&what, || image::push(&tools, &image, reference))?;
        }
        let place = match &pushed {
            Some(reference) => format!("\npushed  {reference}"),
            None => String::new(),
        };
        paint::say(&format!(
            "form    {}\nlayout  {}\ndigest  {}{place}",
            image.form.name(),
            image.folder.display(),
            image.digest
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether this ends in `/NAME:TAG`. A port alone is no tag.
fn names_a_tag(reference: &str) -> bool {
    let name = reference.rsplit_once('/').map_or("", |(_, name)| name);
    name.split_once(':')
        .is_some_and(|(name, tag)| !name.is_empty() && !tag.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_names_host_name_and_tag() {
        for (reference, is_one) in [
            ("localhost:5000/filter:1", true),
            ("registry.example.com/group/filter:1.0", true),
            ("localhost:5000/filter", false),
            ("filter:1", false),
            ("localhost:5000/filter:", false),
        ] {
            assert_eq!(names_a_tag(reference), is_one, "{reference}");
        }
    }
}
