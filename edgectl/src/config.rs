//! What operators have (`gitlab.rb`, the registry's `config.yml`, Helm values), and what an edge
//! needs from it.

pub mod carried;
pub mod check;
pub mod edit;
pub mod facts;
pub mod gitlab_rb;
pub mod gitlab_yml;
pub mod helm;
pub mod place;
pub mod registry_yml;
pub mod render;
pub mod ruby;
pub mod site;
pub mod source;
pub mod url;
pub mod yaml;
