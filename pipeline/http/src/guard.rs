//! Which hosts a file may be fetched from.
//!
//! Addresses come from messages that strangers wrote, so one that leads to this machine, its
//! network or a cloud's metadata service is refused unless the configuration names the host. The
//! check is made on what a name resolves to, at the moment of connecting, so a name that changes
//! its mind gains nothing.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Text by which a refused address is recognized in an error chain.
pub(crate) const PRIVATE: &str = "a private address";

/// Hosts that may be private all the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Guard {
    allowed: Arc<BTreeSet<String>>,
}

impl Guard {
    pub(crate) fn new(private_hosts: &[String]) -> Self {
        Self { allowed: Arc::new(private_hosts.iter().map(|host| host.to_lowercase()).collect()) }
    }

    /// Whether an address may be called as far as its text tells; names are checked on resolving.
    pub(crate) fn allows(&self, url: &Url) -> bool {
        if !matches!(url.scheme(), "http" | "https") {
            return false;
        }
        match url.host() {
            None => false,
            Some(Host::Domain(_)) => true,
            Some(Host::Ipv4(ip)) => self.allows_ip(&ip.to_string(), ip.into()),
            Some(Host::Ipv6(ip)) => self.allows_ip(&ip.to_string(), ip.into()),
        }
    }

    fn allows_ip(&self, host: &str, ip: IpAddr) -> bool {
        !is_private(ip) || self.allowed.contains(host)
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let host = name.as_str().to_lowercase();
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            if found.iter().any(|address| !guard.allows_ip(&host, address.ip())) {
                return Err(PRIVATE.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_private_v4(ip),
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(mapped) => is_private_v4(mapped),
            None => is_private_v6(ip),
        },
    }
}

fn is_private_v4(ip: Ipv4Addr) -> bool {
    let [first, second, ..] = ip.octets();
    ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_unspecified()
        || ip.is_broadcast()
        || ip.is_multicast()
        || first == 0
        // Shared address space of carriers (RFC 6598).
        || (first == 100 && (64..128).contains(&second))
}

fn is_private_v6(ip: Ipv6Addr) -> bool {
    let first = ip.segments()[0];
    ip.is_loopback()
        || ip.is_unspecified()
        || ip.is_multicast()
        // Unique local (RFC 4193) and link-local addresses.
        || first & 0xfe00 == 0xfc00
        || first & 0xffc0 == 0xfe80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(guard: &Guard, text: &str) -> bool {
        guard.allows(&Url::parse(text).expect(text))
    }

    #[test]
    fn addresses_of_this_machine_and_its_network_are_refused() {
        let guard = Guard::default();
        for text in [
            "http://127.0.0.1/x",
            "http://169.254.169.254/latest/meta-data",
            "http://10.0.0.8/",
            "http://[::1]/",
            "http://[::ffff:192.168.0.1]/",
            "http://2130706433/",
            "file:///etc/passwd",
        ] {
            assert!(!allows(&guard, text), "{text}");
        }
        assert!(allows(&guard, "https://93.184.216.34/a.png"));
    }

    #[test]
    fn a_host_named_in_the_configuration_is_allowed() {
        let guard = Guard::new(&["127.0.0.1".to_owned()]);
        assert!(allows(&guard, "http://127.0.0.1:8701/a.png"));
        assert!(!allows(&guard, "http://127.0.0.2:8701/a.png"));
    }
}
