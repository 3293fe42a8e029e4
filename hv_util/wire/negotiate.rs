// SPDX-License-Identifier: GPL-2.0

//! The choice of versions.
//!
//! The host lists the versions of the framework that it speaks, and those of the service. The guest
//! answers with one of each, or with none if there is none that both speak.

use super::{
    Message,
    Version, //
};
use zerocopy::{
    little_endian::{
        U16,
        U32, //
    },
    FromBytes as _, //
};
use zerocopy_derive::{
    FromBytes,
    Immutable,
    IntoBytes,
    KnownLayout,
    Unaligned, //
};

/// The most versions that a list may have.
const MAX_VERSIONS: u16 = 100;

/// The length that an answer claims to have: two counts, what is reserved, two versions.
const ANSWER_BYTES: u16 = 16;

/// What the lists of versions begin with.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
pub(crate) struct Lists {
    pub(crate) framework_count: U16,
    pub(crate) service_count: U16,
    pub(crate) reserved: U32,
}

/// The versions that the guest speaks, the best first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Support {
    pub(crate) frameworks: &'static [Version],
    pub(crate) services: &'static [Version],
}

/// What came of a negotiation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Negotiation {
    /// This is the version of the service.
    Agreed(Version),
    /// There is no version that both sides speak.
    Failed,
    /// The host's lists are not valid.
    Malformed,
}

impl Support {
    /// The framework of all hosts since Windows Server 2008 R2.
    pub(crate) const FRAMEWORK: Version = Version::new(3, 0);
    /// That of Windows Server 2008.
    pub(crate) const FRAMEWORK_2008: Version = Version::new(1, 0);

    /// Chooses among the versions that the host lists, and makes the message the answer.
    pub(crate) fn negotiate(&self, message: &mut Message<'_>) -> Negotiation {
        let Ok((lists, versions)) = Lists::mut_from_prefix(message.body) else {
            return Negotiation::Malformed;
        };
        message.header.len = U16::new(ANSWER_BYTES);
        let choice = self.choose(lists, versions);
        let count = U16::new(choice.is_ok().into());
        lists.framework_count = count;
        lists.service_count = count;
        let (framework, service) = choice.unwrap_or((Version::new(0, 0), Version::new(0, 0)));
        if let Ok((answer, _)) = <[Version; 2]>::mut_from_prefix(versions) {
            *answer = [framework, service];
        }
        choice.map_or_else(|reason| reason, |(_, service)| Negotiation::Agreed(service))
    }

    fn choose(&self, lists: &Lists, versions: &[u8]) -> Result<(Version, Version), Negotiation> {
        let (frameworks, services) = read(lists, versions).ok_or(Negotiation::Malformed)?;
        let best = |ours: &[Version], theirs: &[Version]| {
            let best = ours.iter().find(|version| theirs.contains(version));
            best.copied().ok_or(Negotiation::Failed)
        };
        Ok((
            best(self.frameworks, frameworks)?,
            best(self.services, services)?,
        ))
    }
}

/// The two lists; [`None`] if they are longer than they may be, or than the message.
fn read<'a>(lists: &Lists, versions: &'a [u8]) -> Option<(&'a [Version], &'a [Version])> {
    let (frameworks, services) = (lists.framework_count.get(), lists.service_count.get());
    if frameworks > MAX_VERSIONS || services > MAX_VERSIONS {
        return None;
    }
    let (frameworks, rest) =
        <[Version]>::ref_from_prefix_with_elems(versions, frameworks.into()).ok()?;
    let (services, _) = <[Version]>::ref_from_prefix_with_elems(rest, services.into()).ok()?;
    Some((frameworks, services))
}
