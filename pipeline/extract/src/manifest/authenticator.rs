//! Who we are to an API, in the words of a manifest.
//!
//! Texts here are templates over the settings. How they become headers is not known here.

use std::collections::BTreeMap;

use kernel::{Fault, Result};
use serde::Deserialize;

/// Who we are to the API. The second name of each is dlt's.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub(crate) enum Authenticator {
    NoAuth,
    #[serde(rename = "BasicHttpAuthenticator", alias = "http_basic")]
    Basic {
        username: String,
        password: String,
    },
    #[serde(rename = "BearerAuthenticator", alias = "bearer")]
    Bearer {
        #[serde(alias = "token")]
        api_token: String,
    },
    #[serde(rename = "ApiKeyAuthenticator", alias = "api_key")]
    ApiKey {
        #[serde(alias = "api_key")]
        api_token: String,
        #[serde(alias = "location", default)]
        inject_into: Place,
        /// Name of the header or of the parameter.
        #[serde(alias = "name")]
        field_name: String,
    },
    #[serde(rename = "OAuthAuthenticator", alias = "oauth2_client_credentials")]
    OAuth(OAuth),
    /// One of several, by the value of a setting.
    #[serde(rename = "SelectiveAuthenticator")]
    Selective {
        /// Name of the setting.
        authenticator_selection: String,
        /// By the setting's value.
        authenticators: BTreeMap<String, Authenticator>,
    },
}

/// Where a key travels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    #[default]
    Header,
    #[serde(alias = "query", alias = "param")]
    RequestParameter,
}

/// A token that is asked for, used for a while and asked for again.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OAuth {
    /// Absolute address, or a path below `url_base`.
    #[serde(alias = "access_token_url")]
    pub(crate) token_refresh_endpoint: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    #[serde(default)]
    pub(crate) grant_type: Grant,
    pub(crate) refresh_token: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
    /// Where the reply holds the token; a dotted path.
    #[serde(default = "access_token")]
    pub(crate) access_token_name: String,
    /// Where the reply says for how many seconds it is good; a dotted path.
    #[serde(default = "expires_in")]
    pub(crate) expires_in_name: String,
}

/// What is handed in for a token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Grant {
    #[default]
    ClientCredentials,
    RefreshToken,
    Password,
}

impl Grant {
    /// The word that the endpoint expects.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Grant::ClientCredentials => "client_credentials",
            Grant::RefreshToken => "refresh_token",
            Grant::Password => "password",
        }
    }
}

fn access_token() -> String {
    "access_token".to_owned()
}

fn expires_in() -> String {
    "expires_in".to_owned()
}

impl Authenticator {
    /// Every template, for checks.
    pub(crate) fn templates(&self) -> Vec<&str> {
        match self {
            Authenticator::NoAuth => Vec::new(),
            Authenticator::Basic { username, password } => vec![username, password],
            Authenticator::Bearer { api_token } | Authenticator::ApiKey { api_token, .. } => {
                vec![api_token]
            }
            Authenticator::OAuth(oauth) => oauth.templates(),
            Authenticator::Selective { authenticators, .. } => {
                authenticators.values().flat_map(Authenticator::templates).collect()
            }
        }
    }
}

impl OAuth {
    /// Whether the grant has what it hands in.
    ///
    /// # Errors
    /// `FixConfig` that names the missing key.
    pub(super) fn check(&self) -> Result<()> {
        let needed: &[(&str, &Option<String>)] = match self.grant_type {
            Grant::ClientCredentials => &[],
            Grant::RefreshToken => &[("refresh_token", &self.refresh_token)],
            Grant::Password => &[("username", &self.username), ("password", &self.password)],
        };
        match needed.iter().find(|(_, given)| given.is_none()) {
            None => Ok(()),
            Some((name, _)) => Err(Fault::config(format!(
                "authenticator: the grant {} has no {name}",
                self.grant_type.word()
            ))
            .hint(format!("give {name}, as a template over a setting"))),
        }
    }

    fn templates(&self) -> Vec<&str> {
        let always = [&self.token_refresh_endpoint, &self.client_id, &self.client_secret];
        let sometimes = [&self.refresh_token, &self.username, &self.password];
        let texts = always.into_iter().chain(sometimes.into_iter().flatten());
        texts.chain(&self.scopes).map(String::as_str).collect()
    }
}
