//! The walk's second half: the programs people use with a registry, and what must not work.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;
use testbed::Stack;
use testbed::clients::{Buildah, Docker, Outcome, Skopeo};
use testbed::issuer::{KeyId, User};
use testbed::process::output;
use testbed::tools::Tools;
use ureq::http::Method;

use super::cast::Cast;
use super::http::{Answer, Authorization, Http};
use super::narrator::{Narrator, Step};
use crate::build::sha256;

/// An image as the registry has it.
#[derive(Debug)]
struct Image {
    /// Name with host and tag.
    name: String,
    /// Digest of its configuration, which is buildah's id of the image it built.
    id: String,
}

/// Does all of it. Steps that need what an earlier one failed to bring are left out.
///
/// # Errors
/// When a program cannot be had; a wrong outcome is the narrator's.
pub(super) fn perform(
    narrator: &mut Narrator,
    tools: &Tools,
    stack: &Stack,
    cast: &Cast,
) -> Result<()> {
    let programs = Programs {
        tools,
        stack,
        cast,
        http: Http::new(stack.ca_file())?,
        alice: Skopeo::new(tools, &stack.target())?,
    };
    programs.log_in(narrator);
    let image = programs.push(narrator);
    if let Some(image) = &image {
        programs.pull(narrator, image);
        programs.pull_without_rights(narrator, image);
    }
    programs.expired_token(narrator);
    programs.foreign_token(narrator);
    if let Some(image) = &image {
        programs.delete_without_rights(narrator, image);
        programs.delete_in_background(narrator);
    }
    Ok(())
}

struct Programs<'a> {
    tools: &'a Tools,
    stack: &'a Stack,
    cast: &'a Cast,
    http: Http,
    /// alice's skopeo, which is logged in after the first step.
    alice: Skopeo,
}

/// Login with the docker command line where there is one, else with skopeo.
enum Login {
    Docker(Docker),
    Skopeo(Skopeo),
}

impl Login {
    fn program(&self) -> &'static str {
        match self {
            Self::Docker(_) => "docker",
            Self::Skopeo(_) => "skopeo",
        }
    }

    fn log_in(&self, user: &User) -> testbed::Result<Outcome> {
        match self {
            Self::Docker(docker) => docker.login(user),
            Self::Skopeo(skopeo) => skopeo.login(user),
        }
    }
}

impl Programs<'_> {
    fn log_in(&self, narrator: &mut Narrator) {
        let authority = self.stack.authority();
        let target = self.stack.target();
        let login = || -> Result<(Login, bool)> {
            match Docker::new(self.tools, &target) {
                Ok(docker) => Ok((Login::Docker(docker), false)),
                Err(error) if error.is_missing() => {
                    let skopeo = Skopeo::new(self.tools, &target)?;
                    Ok((Login::Skopeo(skopeo), true))
                }
                Err(error) => Err(error.into()),
            }
        };
        let attempt = |step: &Step, user: &User| -> Result<Outcome> {
            let (login, instead) = login()?;
            if instead {
                step.remark("the docker command line is not here; skopeo logs in instead");
            }
            let program = login.program();
            step.sent(&format!("{program} login -u {} {authority}", user.name));
            Ok(login.log_in(user)?)
        };
        let stranger = User::new(&self.cast.alice.name, "not-her-password");
        narrator.step("Logging in with a wrong password is refused", |step| {
            refused(step, &attempt(step, &stranger)?)
        });
        narrator.step("Logging in", |step| {
            done(step, &attempt(step, &self.cast.alice)?)?;
            // The programs of the following steps keep credentials of their own.
            self.alice.login(&self.cast.alice)?.success()?;
            Ok(())
        });
    }

    fn push(&self, narrator: &mut Narrator) -> Option<Image> {
        let target = self.stack.target();
        let name = target.image(self.cast.repository, self.cast.tag);
        let title = "An image is built from scratch and pushed";
        narrator.step(title, |step| {
            let buildah = Buildah::new(self.tools, &target)?;
            buildah.login(&self.cast.alice)?.success()?;
            step.sent(&format!("buildah build --tag {name}"));
            let built = buildah.build(&name, "A file of the demo.\n")?.success()?;
            let id = built.stdout.lines().last().unwrap_or_default().to_owned();
            step.detail(&format!("image id {id}"));
            step.sent(&format!("buildah push {name}"));
            done(step, &buildah.push(&name)?)?;
            Ok(Image { name, id })
        })
    }

    fn pull(&self, narrator: &mut Narrator, image: &Image) {
        let title = "The image is pulled again and is the same";
        let folder = self.stack.folder().join("pulled");
        narrator.step(title, |step| {
            let Image { name, id } = image;
            step.sent(&format!("skopeo copy docker://{name} dir:pulled"));
            let to = format!("dir:{}", folder.display());
            done(step, &self.alice.copy(&format!("docker://{name}"), &to)?)?;

            let named = self.alice.inspect(name)?.success()?;
            let named: Value = serde_json::from_str(&named.stdout).context("skopeo inspect")?;
            let named = named
                .get("Digest")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let manifest = read(&folder.join("manifest.json"))?;
            let pulled = format!("sha256:{}", sha256(&manifest));
            step.detail(&format!("manifest {pulled}"));
            step.holds(
                "the pulled manifest has the digest that the registry names",
                pulled == named,
                &named,
            )?;

            let manifest: Value = serde_json::from_slice(&manifest).context("the manifest")?;
            let configuration = manifest
                .pointer("/config/digest")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let digest = configuration.trim_start_matches("sha256:");
            let content = sha256(&read(&folder.join(digest))?);
            step.holds(
                "the pulled image is the one that was built",
                !id.is_empty() && digest == id && content == *id,
                &format!("{digest}, built was {id}"),
            )
        });
    }

    fn pull_without_rights(&self, narrator: &mut Narrator, image: &Image) {
        let bob = &self.cast.bob;
        let title = format!("{} signs in, has no rights, and may not pull", bob.name);
        narrator.step(&title, |step| {
            let skopeo = Skopeo::new(self.tools, &self.stack.target())?;
            step.sent(&format!("skopeo login -u {}", bob.name));
            done(step, &skopeo.login(bob)?)?;
            step.sent(&format!("skopeo inspect docker://{}", image.name));
            refused(step, &skopeo.inspect(&image.name)?)
        });
    }

    fn expired_token(&self, narrator: &mut Narrator) {
        narrator.step("A token that has expired is refused", |step| {
            let key = self.stack.signing_key().key.clone();
            let good = self.tags(step, &key, "10m")?;
            let status = good.status_line();
            step.holds("a good token is let through", good.status == 200, &status)?;
            invalid_token(step, &self.tags(step, &key, "-1m")?)
        });
    }

    fn foreign_token(&self, narrator: &mut Narrator) {
        let title = "A token that someone else signed is refused";
        narrator.step(title, |step| {
            let folder = self.stack.folder().join("stranger");
            let mut keys = Command::new(self.stack.edgectl());
            keys.args(["keys", "--name", "stranger", "--bits", "2048", "--out"])
                .arg(&folder);
            std::fs::create_dir_all(&folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
            step.sent("edgectl keys --name stranger");
            output(&mut keys)?;
            let key = folder.join("stranger.key");
            invalid_token(step, &self.tags(step, &key, "10m")?)
        });
    }

    /// Mints a token for alice and asks with it for the tags of the repository.
    fn tags(&self, step: &Step, key: &Path, expires_in: &str) -> Result<Answer> {
        let Cast {
            alice, repository, ..
        } = self.cast;
        let access = format!("repository:{repository}:pull");
        let expires_in = format!("--expires-in={expires_in}");
        let user = ["user", "--user", &alice.name, "--access", &access];
        let token = self.mint(step, key, &[&user[..], &[&expires_in]].concat())?;
        let url = format!("{}/v2/{repository}/tags/list", self.stack.url());
        step.sent(&format!("GET {url}"));
        let authorization = Authorization::Bearer(&token);
        let answer = self.http.send(&Method::GET, &url, authorization)?;
        step.answered(&answer.status_line());
        Ok(answer)
    }

    fn delete_without_rights(&self, narrator: &mut Narrator, image: &Image) {
        let title = format!("{} may push, but not delete", self.cast.alice.name);
        narrator.step(&title, |step| {
            step.sent(&format!("skopeo delete docker://{}", image.name));
            refused(step, &self.alice.delete(&image.name)?)
        });
    }

    fn delete_in_background(&self, narrator: &mut Narrator) {
        let title = "A background job of GitLab, which is nobody, deletes the image";
        narrator.step(title, |step| {
            let Cast {
                repository, tag, ..
            } = self.cast;
            let key = self.stack.signing_key().key.clone();
            let token = self.mint(step, &key, &["full-access", repository])?;
            let opened = super::token::Opened::new(&token)?;
            step.holds(
                "the token has no subject",
                !opened.claims.contains_key("sub"),
                &"one",
            )?;

            let manifests = format!("{}/v2/{repository}/manifests", self.stack.url());
            let authorization = Authorization::Bearer(&token);
            let by_tag = format!("{manifests}/{tag}");
            let ask = |method: &Method, url: &str| -> Result<_> {
                step.sent(&format!("{method} {url}"));
                let answer = self.http.send(method, url, authorization)?;
                let code = answer.error_code().unwrap_or_default();
                step.answered(format!("{} {code}", answer.status_line()).trim_end());
                Ok(answer)
            };
            let head = ask(&Method::HEAD, &by_tag)?;
            let digest = head
                .header("docker-content-digest")
                .context("the registry names no digest")?;
            let deleted = ask(&Method::DELETE, &format!("{manifests}/{digest}"))?;
            let status = deleted.status_line();
            step.holds("the registry deletes it", deleted.status == 202, &status)?;
            let after = ask(&Method::GET, &by_tag)?;
            let status = after.status_line();
            step.holds("the image is gone", after.status == 404, &status)
        });
    }

    /// `edgectl token …`, told without the token.
    fn mint(&self, step: &Step, key: &Path, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(self.stack.edgectl());
        command.arg("token").args(arguments);
        let node = self.stack.nodes().first();
        if node.is_some_and(|node| node.settings().release.key_id() == KeyId::Rfc7638) {
            command.args(["--kid", "rfc7638"]);
        }
        let words: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
        step.sent(&format!("edgectl {}", words.join(" ")));
        let printed = output(command.arg("--key").arg(key))?;
        Ok(printed.trim().to_owned())
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn done(step: &Step, outcome: &Outcome) -> Result<()> {
    step.holds("the command succeeds", outcome.succeeded(), outcome)
}

/// A refusal by the registry, not any failure: that of a wrong address must not count.
fn refused(step: &Step, outcome: &Outcome) -> Result<()> {
    let refusal = refusal(&outcome.text());
    if let Some(refusal) = &refusal {
        step.answered(&format!("exit status {}", outcome.code.unwrap_or_default()));
        step.detail(refusal);
    }
    step.holds(
        "the command fails, because it is refused",
        !outcome.succeeded() && refusal.is_some(),
        outcome,
    )
}

/// A refusal by the filter, in the words of RFC 6750, section 3.1.
fn invalid_token(step: &Step, answer: &Answer) -> Result<()> {
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    let error = challenge.split(',').find(|part| part.starts_with("error="));
    if let Some(error) = error {
        step.detail(error);
    }
    step.holds(
        "it is refused as an invalid token",
        answer.status == 401 && error == Some("error=\"invalid_token\""),
        &format!("{} {challenge}", answer.status_line()),
    )
}

/// What a program printed about being refused, without what its logger adds.
fn refusal(text: &str) -> Option<String> {
    let line = text.lines().find(|line| {
        let line = line.to_lowercase();
        ["unauthorized", "denied", "invalid username/password"]
            .iter()
            .any(|word| line.contains(word))
    })?;
    // skopeo and docker log like this; only the cause, or else the message, is for people.
    let message = ["error=\"", "msg=\""]
        .iter()
        .find_map(|field| Some(line.split_once(field)?.1))
        .map_or(line, |rest| rest.strip_suffix('"').unwrap_or(rest));
    let message = message.replace("\\\"", "\"").replace("\\n", " ");
    Some(message.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_from_other_failures() {
        for (text, expected) in [
            ("", None),
            ("dial tcp: connection refused", None),
            (
                "invalid username/password",
                Some("invalid username/password"),
            ),
            (
                "some\nError response: unauthorized: no\nmore\n",
                Some("Error response: unauthorized: no"),
            ),
            (
                r#"time="2026-01-01T00:00:00Z" level=fatal msg="reading: \"x\":\ndenied\n""#,
                Some(r#"reading: "x": denied"#),
            ),
            (
                r#"level=info msg="trying next" endpoint="{}" error="Get \"x\": unauthorized: no""#,
                Some(r#"Get "x": unauthorized: no"#),
            ),
        ] {
            assert_eq!(refusal(text).as_deref(), expected, "{text}");
        }
    }
}
