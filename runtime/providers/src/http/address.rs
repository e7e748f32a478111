//! Which addresses a request may go to. A name says nothing about where it leads: what is judged is each address
//! that it was resolved to, and the connection is made to that very address. It stops requests to the metadata
//! service of a cloud, to the host's own ports and to the network behind it, in every notation of an address,
//! because notations are gone when this is asked.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// What an address is for, by the special-purpose registries of IANA. Everything that is not `Public` is
/// refused unless the operator said otherwise for the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Of the internet.
    Public,
    /// This machine.
    Loopback,
    /// A private network (RFC 1918), or a unique local one (RFC 4193).
    Private,
    /// Shared between a provider and its customers (RFC 6598).
    Shared,
    /// This link alone; where clouds have their metadata service.
    LinkLocal,
    /// No address at all.
    Unspecified,
    /// Many machines.
    Multicast,
    /// All machines of a network.
    Broadcast,
    /// For documents.
    Documentation,
    /// For measurements.
    Benchmarking,
    /// An IPv4 address in the clothes of an IPv6 one: mapped, compatible, translated, 6to4, Teredo, NAT64.
    Embedded,
    /// Not given out, or for protocols.
    Reserved,
}

impl Kind {
    /// What an address is for.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => of_v4(v4),
            IpAddr::V6(v6) => of_v6(v6),
        }
    }

    /// A word that never changes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::Shared => "shared",
            Self::LinkLocal => "link-local",
            Self::Unspecified => "unspecified",
            Self::Multicast => "multicast",
            Self::Broadcast => "broadcast",
            Self::Documentation => "documentation",
            Self::Benchmarking => "benchmarking",
            Self::Embedded => "embedded",
            Self::Reserved => "reserved",
        }
    }
}

fn of_v4(address: Ipv4Addr) -> Kind {
    match address.octets() {
        [0, ..] => Kind::Unspecified,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Kind::Private,
        [100, 64..=127, ..] => Kind::Shared,
        [127, ..] => Kind::Loopback,
        [169, 254, ..] => Kind::LinkLocal,
        // IETF protocols, the AS112 anycasts, the old 6to4 relay, AMT.
        [192, 0, 0, _] | [192, 31, 196, _] | [192, 52, 193, _] | [192, 175, 48, _] => {
            Kind::Reserved
        }
        [192, 88, 99, _] => Kind::Embedded,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Kind::Documentation,
        [198, 18..=19, ..] => Kind::Benchmarking,
        [224..=239, ..] => Kind::Multicast,
        [255, 255, 255, 255] => Kind::Broadcast,
        [240..=255, ..] => Kind::Reserved,
        _ => Kind::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> Kind {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Kind::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => Kind::Loopback,
        // Compatible (::a.b.c.d), mapped (::ffff:a.b.c.d), translated (::ffff:0:a.b.c.d).
        [0, 0, 0, 0, 0, 0, ..] | [0, 0, 0, 0, 0, 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => {
            Kind::Embedded
        }
        // NAT64: the well-known prefix, and those of local use.
        [0x64, 0xff9b, 0, 0, 0, 0, ..] | [0x64, 0xff9b, 1, ..] => Kind::Embedded,
        // Teredo, 6to4.
        [0x2001, 0, ..] | [0x2002, ..] => Kind::Embedded,
        [0x2001, 2, 0, ..] => Kind::Benchmarking,
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Kind::Documentation,
        // The rest of the block for IETF protocols: ORCHID, drones, anycasts.
        [0x2001, 0..=0x1ff, ..] => Kind::Reserved,
        [0xfc00..=0xfdff, ..] => Kind::Private,
        // Link-local, and what was once called site-local.
        [0xfe80..=0xfebf, ..] => Kind::LinkLocal,
        [0xfec0..=0xfeff, ..] => Kind::Private,
        [0xff00..=0xffff, ..] => Kind::Multicast,
        // All that has been given out to the internet (RFC 4291, section 2.4).
        [0x2000..=0x3fff, ..] => Kind::Public,
        _ => Kind::Reserved,
    }
}

/// Whether a cloud answers there with what it knows of the machine, its credentials among it, though the address is of
/// a kind that is for private use: AWS and its agents, GCP, Alibaba Cloud. The best known, `169.254.169.254`, is
/// of a link.
fn is_metadata(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.octets() == [100, 100, 100, 200],
        IpAddr::V6(v6) => {
            matches!(v6.segments(), [0xfd00, 0xec2, ..] | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254])
        }
    }
}

/// What a refused address is, in a word for people.
pub(super) fn described(address: IpAddr) -> &'static str {
    if is_metadata(address) { "a cloud's metadata service" } else { Kind::of(address).as_str() }
}

/// A range of addresses: `10.0.0.0/8`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    first: IpAddr,
    bits: u32,
}

/// The bits of an address, at the upper end of 128.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)) << 96,
        IpAddr::V6(v6) => u128::from(v6),
    }
}

fn masked(address: IpAddr, length: u32) -> u128 {
    bits(address) & u128::MAX.checked_shl(128 - length).unwrap_or(0)
}

impl Range {
    /// Whether an address lies in it. An IPv4 range has no IPv6 address in it, in whatever clothes.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.first.is_ipv4() == address.is_ipv4()
            && masked(address, self.bits) == masked(self.first, self.bits)
    }

    /// Whether it is this address and no other.
    fn is(&self, address: IpAddr) -> bool {
        self.contains(address) && self.bits == if address.is_ipv4() { 32 } else { 128 }
    }
}

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{}` is neither an address nor a range such as `10.0.0.0/8`",
                text.escape_debug()
            )
        };
        let (address, length) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
        let first: IpAddr = address.parse().map_err(|_| wrong())?;
        let whole = if first.is_ipv4() { 32 } else { 128 };
        let bits = match length {
            None => whole,
            Some(length) => length
                .parse()
                .ok()
                .filter(|n: &u32| *n <= whole && n.to_string() == length)
                .ok_or_else(wrong)?,
        };
        if masked(first, bits) != masked(first, whole) {
            return Err(format!("`{text}` has bits behind its length; write its first address"));
        }
        Ok(Self { first, bits })
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

/// Which addresses that are not public an endpoint may be at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Private {
    /// None.
    #[default]
    No,
    /// Loopback, private and shared ones. Not those of a link, nor others where a cloud has its metadata service.
    Own,
    /// These as well, whatever they are for, but for many machines or none. A metadata service among private addresses
    /// is not meant by a range; its address is.
    Listed(Vec<Range>),
}

impl Private {
    /// Whether a connection may be made to this address.
    pub fn allows(&self, address: IpAddr) -> bool {
        match (Kind::of(address), self) {
            (Kind::Public, _) => true,
            (Kind::Unspecified | Kind::Multicast | Kind::Broadcast, _) | (_, Self::No) => false,
            (_, Self::Own) if is_metadata(address) => false,
            (_, Self::Listed(ranges)) if is_metadata(address) => {
                ranges.iter().any(|range| range.is(address))
            }
            (kind, Self::Own) => matches!(kind, Kind::Loopback | Kind::Private | Kind::Shared),
            (_, Self::Listed(ranges)) => ranges.iter().any(|range| range.contains(address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Private, Range};

    fn allows(private: &Private, address: &str) -> bool {
        private.allows(address.parse().unwrap())
    }

    #[test]
    fn a_list_allows_what_it_names_and_no_disguise_of_it() {
        let listed = |text: &str| Private::Listed(vec![text.parse().unwrap()]);
        assert!(allows(&listed("10.1.0.0/16"), "10.1.255.255"));
        for address in ["10.2.0.0", "127.0.0.1", "::ffff:10.1.0.1", "64:ff9b::a01:1"] {
            assert!(!allows(&listed("10.1.0.0/16"), address), "{address}");
        }
        assert!(allows(&listed("169.254.169.254"), "169.254.169.254"));
        assert!(allows(&listed("64:ff9b::/96"), "64:ff9b::a01:1"));
        for (list, address) in [
            ("0.0.0.0/0", "0.0.0.0"),
            ("0.0.0.0/0", "224.0.0.1"),
            ("::/0", "::"),
            ("::/0", "ff02::1"),
        ] {
            assert!(!allows(&listed(list), address), "{address}");
        }
    }

    #[test]
    fn own_addresses_are_not_those_of_a_link() {
        for address in ["127.0.0.1", "10.0.0.1", "192.168.1.1", "100.64.0.1", "::1", "fd00::1"] {
            assert!(allows(&Private::Own, address) && !allows(&Private::No, address), "{address}");
        }
        for address in ["169.254.169.254", "fe80::1", "::ffff:127.0.0.1", "192.0.2.1", "0.0.0.0"] {
            assert!(!allows(&Private::Own, address), "{address}");
        }
        assert!(allows(&Private::No, "1.1.1.1") && allows(&Private::Own, "2606:4700::1111"));
    }

    #[test]
    fn a_metadata_service_among_private_addresses_is_nobodys_own() {
        for address in
            ["100.100.100.200", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "169.254.169.254"]
        {
            assert!(!allows(&Private::Own, address) && !allows(&Private::No, address), "{address}");
            let listed = |text: &str| Private::Listed(vec![text.parse().unwrap()]);
            assert!(allows(&listed(address), address), "{address}");
        }
        for (range, address, beside) in [
            ("100.64.0.0/10", "100.100.100.200", "100.100.100.201"),
            ("fc00::/7", "fd00:ec2::254", "fd00:ec3::254"),
            ("fc00::/7", "fd20:ce::254", "fd20:ce::253"),
        ] {
            let listed = Private::Listed(vec![range.parse().unwrap()]);
            assert!(!allows(&listed, address) && allows(&listed, beside), "{address}");
            assert!(allows(&Private::Own, beside), "{beside}");
        }
    }

    #[test]
    fn ranges_have_one_spelling() {
        for good in
            ["10.0.0.0/8", "127.0.0.1", "::1", "fd00::/8", "0.0.0.0/0", "::/0", "1.2.3.4/32"]
        {
            assert!(good.parse::<Range>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "10/8",
            "10.0.0.1/8",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "localhost",
            "10.0.0.0/",
            "fe80::1%1",
        ] {
            assert!(bad.parse::<Range>().is_err(), "{bad}");
        }
    }
}
