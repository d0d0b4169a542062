//! Who we are, put onto calls that are about to leave.
//!
//! Credentials are added here and nowhere else, after an address was taken down for the journal: no
//! address that is kept holds one. What a reply holds, tokens apart, is not known here.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{Body, Client, ClientOptions, Pace, Reply, Request, Verdict};
use kernel::fault::Kind;
use kernel::{Clock, Fault, Instant, Result};
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use crate::interpolation::{at_path, fill_setting, scalar};
use crate::manifest::{Authenticator, Grant, Manifest, OAuth, Place};
use crate::run::Options;

/// A token is replaced this long before it runs out, or halfway when it lives shorter.
const EARLY_MS: u64 = 60_000;
/// A 401 so soon after a new token came was meant for the one before it.
const FRESH_MS: u64 = 2_000;

/// Puts credentials onto calls.
pub(crate) struct Auth {
    way: Way,
}

/// How an API is told who we are.
enum Way {
    Nothing,
    Header { name: String, value: String },
    Parameter { name: String, value: String },
    Token(TokenSource),
}

/// Where tokens come from.
struct TokenSource {
    client: Client,
    clock: Arc<dyn Clock>,
    endpoint: String,
    form: Vec<(String, String)>,
    access_token_name: String,
    expires_in_name: String,
    held: Mutex<Held>,
}

/// What is kept of the last reply.
#[derive(Default)]
struct Held {
    token: Option<Token>,
    /// The endpoint may hand out a new one each time; the old one is void then.
    refresh_token: Option<String>,
}

struct Token {
    value: String,
    came_at: Instant,
    /// When to ask for another one; `None` when the endpoint does not say.
    stale_at: Option<Instant>,
}

impl Auth {
    /// Credentials as the manifest and the settings say.
    ///
    /// # Errors
    /// `FixConfig` when a setting that they need is missing.
    pub(crate) fn new(
        manifest: &Manifest,
        options: &Options,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let url_base = manifest.address(options.base_url.as_deref(), &options.settings)?;
        let client = ClientOptions {
            headers: vec![("accept".to_owned(), "application/json".to_owned())],
            timeout_ms: options.timeout_ms,
            pace: Pace::unlimited(),
            policy: options.policy,
            clock,
        };
        Self::with(&manifest.authenticator, &options.settings, &url_base, client)
    }

    /// Tokens are asked for as `client` says.
    fn with(
        authenticator: &Authenticator,
        settings: &BTreeMap<String, String>,
        url_base: &str,
        client: ClientOptions,
    ) -> Result<Self> {
        let fill = |template: &String| fill_setting(template, settings);
        let way = match chosen(authenticator, settings)? {
            Authenticator::NoAuth | Authenticator::Selective { .. } => Way::Nothing,
            Authenticator::Basic { username, password } => {
                Way::authorization(http::basic(&fill(username)?, &fill(password)?))
            }
            Authenticator::Bearer { api_token } => Way::authorization(bearer(&fill(api_token)?)),
            Authenticator::ApiKey { api_token, inject_into, field_name } => {
                let (name, value) = (field_name.clone(), fill(api_token)?);
                match inject_into {
                    Place::Header => Way::Header { name, value },
                    Place::RequestParameter => Way::Parameter { name, value },
                }
            }
            Authenticator::OAuth(oauth) => {
                Way::Token(TokenSource::new(oauth, settings, url_base, client)?)
            }
        };
        Ok(Self { way })
    }

    /// Adds credentials to a call; asks for a token first when there is none that is good.
    ///
    /// # Errors
    /// What asking for a token says; `FixConfig` when the endpoint gives none.
    pub(crate) async fn apply(&self, request: &mut Request) -> Result<()> {
        let header = match &self.way {
            Way::Nothing => return Ok(()),
            Way::Parameter { name, value } => {
                request.url = with_parameter(&request.url, name, value)?;
                return Ok(());
            }
            Way::Header { name, value } => (name.clone(), value.clone()),
            Way::Token(source) => ("authorization".to_owned(), bearer(&source.token().await?)),
        };
        request.headers.push(header);
        Ok(())
    }

    /// Takes a key out of an address that the API gave, as next links may repeat it.
    pub(crate) fn strip(&self, url: &mut Url) {
        if let Way::Parameter { name, .. } = &self.way
            && url.query_pairs().any(|(key, _)| key == name.as_str())
        {
            *url = without_parameter(url, name);
        }
    }

    /// Whether a 401 may be cured by another token.
    pub(crate) fn can_refresh(&self) -> bool {
        matches!(self.way, Way::Token(_))
    }

    /// Replaces the token after a 401; calls in flight with the old one replace it only once.
    ///
    /// # Errors
    /// As for [`Auth::apply`].
    pub(crate) async fn refresh(&self) -> Result<()> {
        match &self.way {
            Way::Token(source) => {
                source.give_up().await;
                source.token().await.map(drop)
            }
            _ => Ok(()),
        }
    }
}

impl Way {
    fn authorization(value: String) -> Self {
        Way::Header { name: "authorization".to_owned(), value }
    }
}

impl TokenSource {
    fn new(
        oauth: &OAuth,
        settings: &BTreeMap<String, String>,
        url_base: &str,
        client: ClientOptions,
    ) -> Result<Self> {
        let endpoint = fill_setting(&oauth.token_refresh_endpoint, settings)?;
        let endpoint = match Url::parse(&endpoint) {
            Ok(_) => endpoint,
            Err(_) => format!("{url_base}/{}", endpoint.trim_start_matches('/')),
        };
        Ok(Self {
            clock: client.clock.clone(),
            client: Client::new(client)?,
            endpoint,
            form: form(oauth, settings)?,
            access_token_name: oauth.access_token_name.clone(),
            expires_in_name: oauth.expires_in_name.clone(),
            held: Mutex::default(),
        })
    }

    /// The token at hand, or a new one.
    async fn token(&self) -> Result<String> {
        let mut held = self.held.lock().await;
        let now = self.clock.now();
        let good = held.token.as_ref().filter(|token| token.stale_at.is_none_or(|at| now < at));
        if let Some(token) = good {
            return Ok(token.value.clone());
        }
        let reply = self.ask(&held).await.map_err(|fault| explained(fault, &self.endpoint))?;
        let value: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let text = at_path(&value, &self.access_token_name).and_then(Value::as_str);
        let text = text.filter(|text| !text.is_empty()).ok_or_else(|| {
            Fault::config(format!("the token endpoint gives no {}", self.access_token_name))
                .hint("check token_refresh_endpoint and access_token_name in the manifest")
        })?;
        let life_ms = at_path(&value, &self.expires_in_name)
            .and_then(scalar)
            .and_then(|seconds| seconds.parse::<f64>().ok())
            .map(|seconds| (seconds * 1_000.0) as u64);
        let came_at = reply.started_at;
        let stale_at = life_ms.map(|ms| came_at.plus_ms(ms.saturating_sub(EARLY_MS).max(ms / 2)));
        held.token = Some(Token { value: text.to_owned(), came_at, stale_at });
        if let Some(next) = value.get("refresh_token").and_then(Value::as_str) {
            held.refresh_token = Some(next.to_owned());
        }
        Ok(text.to_owned())
    }

    async fn ask(&self, held: &Held) -> Result<Reply> {
        let mut form = self.form.clone();
        for (name, value) in &mut form {
            if let (true, Some(newer)) = (name == "refresh_token", &held.refresh_token) {
                value.clone_from(newer);
            }
        }
        let request = Request {
            method: "POST",
            url: self.endpoint.clone(),
            headers: Vec::new(),
            body: Body::Form(form),
        };
        let judge = |reply: &Reply| match reply.status {
            200..=299 => Verdict::Success,
            429 => Verdict::RateLimited,
            408 | 425 | 500..=599 => Verdict::Retry,
            _ => Verdict::Fail,
        };
        let outgoing = async || Ok(request.clone());
        self.client.ask(outgoing, judge, async |_| Ok(())).await.map(|(reply, _)| reply)
    }

    async fn give_up(&self) {
        let mut held = self.held.lock().await;
        let now = self.clock.now();
        held.token.take_if(|token| now.ms_since(token.came_at) >= FRESH_MS);
    }
}

/// The authenticator that the settings choose.
fn chosen<'a>(
    authenticator: &'a Authenticator,
    settings: &BTreeMap<String, String>,
) -> Result<&'a Authenticator> {
    let Authenticator::Selective { authenticator_selection: setting, authenticators } =
        authenticator
    else {
        return Ok(authenticator);
    };
    let value = settings.get(setting).map(String::as_str).unwrap_or_default();
    let known: Vec<&str> = authenticators.keys().map(String::as_str).collect();
    let inner = authenticators.get(value).ok_or_else(|| {
        Fault::config(format!("{setting} is {value:?}, for which there is no authenticator"))
            .hint(kernel::nearest::hint(value, known.iter().copied()))
    })?;
    chosen(inner, settings)
}

fn form(oauth: &OAuth, settings: &BTreeMap<String, String>) -> Result<Vec<(String, String)>> {
    let mut form = vec![("grant_type".to_owned(), oauth.grant_type.word().to_owned())];
    let mut add = |name: &str, template: &str| -> Result<()> {
        form.push((name.to_owned(), fill_setting(template, settings)?));
        Ok(())
    };
    add("client_id", &oauth.client_id)?;
    add("client_secret", &oauth.client_secret)?;
    let of_grant = match oauth.grant_type {
        Grant::ClientCredentials => vec![],
        Grant::RefreshToken => vec![("refresh_token", &oauth.refresh_token)],
        Grant::Password => vec![("username", &oauth.username), ("password", &oauth.password)],
    };
    for (name, template) in of_grant {
        add(name, template.as_deref().unwrap_or_default())?;
    }
    if !oauth.scopes.is_empty() {
        add("scope", &oauth.scopes.join(" "))?;
    }
    Ok(form)
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn with_parameter(url: &str, name: &str, value: &str) -> Result<String> {
    let url = Url::parse(url).map_err(|error| {
        Fault::bug("a call is about to leave for something that is no address").because(error)
    })?;
    let mut url = without_parameter(&url, name);
    url.query_pairs_mut().append_pair(name, value);
    Ok(url.into())
}

fn without_parameter(url: &Url, name: &str) -> Url {
    let kept = url.query_pairs().filter(|(key, _)| key != name);
    let kept: Vec<(String, String)> = kept.map(|(key, value)| (key.into(), value.into())).collect();
    let mut url = url.clone();
    url.set_query(None);
    if !kept.is_empty() {
        url.query_pairs_mut().extend_pairs(kept);
    }
    url
}

/// Says where the trouble is; the reply's body may hold a secret and stays out.
fn explained(fault: Fault, endpoint: &str) -> Fault {
    let host = Url::parse(endpoint).ok().and_then(|url| url.host_str().map(str::to_owned));
    let doing = format!("asking {} for an access token", host.unwrap_or_default());
    let is_refused = matches!(fault.kind(), Kind::Refused | Kind::FixConfig);
    let fault = fault.during(doing);
    if !is_refused {
        return fault;
    }
    Fault::config(fault.to_string())
        .hint("check the client id, its secret and what else the grant hands in")
        .because(fault)
}

#[cfg(test)]
mod tests;
