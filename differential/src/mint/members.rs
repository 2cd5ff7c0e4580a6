//! JSON written member by member, in the order of a recipe.

/// Members of a JSON object, each with its text.
#[derive(Default)]
pub(super) struct Members(pub(super) Vec<(String, Vec<u8>)>);

impl Members {
    pub(super) fn set(&mut self, name: &str, value: Vec<u8>) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some(member) => member.1 = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }

    pub(super) fn object(self, before: Option<&str>, after: Option<&str>) -> Vec<u8> {
        let raw = |members: Option<&str>| members.map(|members| members.as_bytes().to_vec());
        let members = self.0.into_iter();
        let members = members.map(|(name, value)| [text(&name).as_slice(), b":", &value].concat());
        let all: Vec<Vec<u8>> = raw(before)
            .into_iter()
            .chain(members)
            .chain(raw(after))
            .collect();
        [b"{", all.join(&b","[..]).as_slice(), b"}"].concat()
    }
}

/// The `access` claim of scopes such as `repository:group/app:pull,push`.
pub(super) fn access(scopes: &[String]) -> Vec<u8> {
    let entry = |scope: &String| {
        let (kind, rest) = scope.split_once(':').unwrap_or((scope, ""));
        let (name, actions) = rest.rsplit_once(':').unwrap_or((rest, ""));
        let actions: Vec<Vec<u8>> = actions.split(',').map(text).collect();
        let mut entry = Members::default();
        entry.set("type", text(kind));
        entry.set("name", text(name));
        entry.set("actions", list(&actions));
        entry.object(None, None)
    };
    list(&scopes.iter().map(entry).collect::<Vec<_>>())
}

pub(super) fn list(elements: &[Vec<u8>]) -> Vec<u8> {
    [b"[", elements.join(&b","[..]).as_slice(), b"]"].concat()
}

pub(super) fn text(text: &str) -> Vec<u8> {
    serde_json::Value::from(text).to_string().into_bytes()
}
