//! Editions of the rules. What an earlier edition did with an entry is done with it for ever; what a later one does
//! differently begins at the entry that adopts it, on every node at once.

use serde::{Deserialize, Serialize};

use crate::command::Command;
use crate::context::Context;
use crate::day;
use crate::outcome::{Halt, Outcome};
use crate::rows::{ReadRows, ReadTyped as _};
use crate::time::Millis;

/// The edition that gave slots their days (ready, no-shows), every event a revision of its own, and the feed.
pub const WITH_DAYS: Edition = Edition(2);

/// Which edition of the rules counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Edition(pub u32);

impl Edition {
    /// The latest that this program knows.
    pub const LATEST: Self = WITH_DAYS;

    /// That of entries before any other was adopted.
    pub const FIRST: Self = Self(1);

    /// The one that counts.
    pub fn of(rows: &(impl ReadRows + ?Sized)) -> Self {
        rows.row::<Self>(()).map_or(Self::FIRST, |edition| *edition)
    }
}

/// Adopts an edition, from the next entry on. Internal: proposed by a leader who knows a later one than counts. One that is
/// not later changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdoptEdition {
    /// Which.
    pub edition: Edition,
}

impl AdoptEdition {
    pub(crate) fn apply(self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        context.only_internal()?;
        let before = Edition::of(context);
        if self.edition > before {
            context.put((), self.edition);
        }
        if before < WITH_DAYS && self.edition >= WITH_DAYS {
            // A moment later: in this entry the edition before counts still.
            day::plan_all(context, context.now.plus(Millis(1)));
        }
        Ok(Outcome::EditionAdopted(self.edition.max(before)))
    }
}

impl Command {
    /// The edition that must count before it is proposed: a program that knows no later one may not know what it says.
    #[must_use]
    pub fn needs(&self) -> Edition {
        match self {
            Self::DecideNoShows(_)
            | Self::AddDevice(_)
            | Self::RemoveDevice(_)
            | Self::SetPreferences(_)
            | Self::AddWebhook(_)
            | Self::RemoveWebhook(_)
            | Self::EnableWebhook(_)
            | Self::RotateWebhookSecret(_)
            | Self::SettleDeliveries(_)
            | Self::ReplayDeadLetters(_)
            | Self::IssueCode(_)
            | Self::Scan(_)
            | Self::UndoScan(_)
            | Self::RevokeNodeKey(_) => WITH_DAYS,
            Self::SetPolicy(set) if set.fields.iter().any(|(field, _)| field.came_with_days()) => WITH_DAYS,
            Self::CreateVenue(_)
            | Self::CreateResource(_)
            | Self::OpenSlots(_)
            | Self::SignUp(_)
            | Self::ChangeRole(_)
            | Self::CreateOperator(_)
            | Self::OpenSession(_)
            | Self::RefreshSession(_)
            | Self::CloseSessions(_)
            | Self::Book(_)
            | Self::Modify(_)
            | Self::Cancel(_)
            | Self::CheckIn(_)
            | Self::Tick(_)
            | Self::RegisterNodeKey(_)
            | Self::LogOut(_)
            | Self::SetRole(_)
            | Self::SetPassword(_)
            | Self::BanUser(_)
            | Self::LiftBan(_)
            | Self::CreateUser(_)
            | Self::CreateApp(_)
            | Self::AddAppSecret(_)
            | Self::RevokeAppSecret(_)
            | Self::DeleteApp(_)
            | Self::RetireNodeKeys(_)
            | Self::GiveRole(_)
            | Self::LogIn(_)
            | Self::Reserve(_)
            | Self::Exchange(_)
            | Self::Extend(_)
            | Self::Confirm(_)
            | Self::Void(_)
            | Self::StartPayment(_)
            | Self::SettlePayment(_)
            | Self::Enqueue(_)
            | Self::CreateEvent(_)
            | Self::ChangeResource(_)
            | Self::WithdrawResource(_)
            | Self::AddPools(_)
            | Self::ChangeSlot(_)
            | Self::WithdrawSlot(_)
            | Self::DeclareUser(_)
            | Self::AdoptEdition(_)
            | Self::SetPolicy(_) => Edition::FIRST,
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::policies::{PolicyField, Scope, SetPolicy};
    use crate::transcript::check;
    use crate::{BookingId, CheckIn, Command, Edition, UndoScan, WITH_DAYS};

    #[test]
    fn what_a_program_of_the_first_edition_may_not_know_waits_for_the_next() {
        let booking = BookingId(1);
        let plain = CheckIn { booking, expected_version: None, scanned_at: None };
        assert_eq!(Command::CheckIn(plain).needs(), Edition(1));
        let undo = UndoScan { booking, reason: "oops".into(), expected_version: None };
        assert_eq!(Command::UndoScan(undo).needs(), WITH_DAYS);
        let set =
            |field| Command::SetPolicy(SetPolicy { scope: Scope::Cluster, fields: vec![(field, None)] });
        assert_eq!(set(PolicyField::NoShowGrace).needs(), Edition(1));
        assert_eq!(set(PolicyField::NoShowShareMax).needs(), WITH_DAYS);
    }

    #[test]
    fn slots_of_an_earlier_edition_get_their_days_when_the_next_one_is_adopted() {
        check(
            "
            at 0 olga sets policy cluster lead=30
            at 0 olga opens slot resource=1 from=100 to=200 capacity=2
            at 0 olga opens slot resource=1 from=10 to=20 capacity=2
            at 0 mia books slot:1
            at 69 tick
            at 70 tick
            at 71 adopt
            at 71 adopt
            at 72 tick
            at 73 tick
            at 74 tick
            ",
            &expect![[r#"
                olga sets policy cluster lead=30 -> Cluster lead=30
                olga opens slot resource=1 from=100 to=200 capacity=2 -> slot:1 [slot.opened]
                olga opens slot resource=1 from=10 to=20 capacity=2 -> slot:2 [slot.opened]
                mia books slot:1 -> booking:1 confirmed slot:1 pool:1 user:3 count=1 version=1 [booking.confirmed]
                tick -> ticked 2 [slot.started slot.finished]
                tick -> ticked 0
                adopt -> edition 2
                adopt -> edition 2
                tick -> ticked 1
                tick -> ticked 1 [booking.ready]
                tick -> ticked 0
            "#]],
        );
    }
}
