//! Every command there is, and the log entry that carries many.

use serde::{Deserialize, Serialize};

use crate::apps::{AddAppSecret, CreateApp, DeleteApp, RevokeAppSecret};
use crate::bookings::reserve::Reserve;
use crate::bookings::{
    Scan, UndoScan, book::Book, cancel::Cancel, check_in::CheckIn, exchange::Exchange, modify::Modify,
};
use crate::codes::IssueCode;
use crate::context::Context;
use crate::day::DecideNoShows;
use crate::due::Tick;
use crate::edition::AdoptEdition;
use crate::holds::{confirm::Confirm, extend::Extend, void::Void};
use crate::jobs::Enqueue;
use crate::node_keys::{RegisterNodeKey, RetireNodeKeys, RevokeNodeKey};
use crate::outbox::{ReplayDeadLetters, SettleDeliveries};
use crate::outcome::{Halt, Outcome};
use crate::payments::{SettlePayment, StartPayment};
use crate::policies::SetPolicy;
use crate::principal::Principal;
use crate::recipients::{AddDevice, RemoveDevice, SetPreferences};
use crate::requests::RequestId;
use crate::resources::{ChangeResource, CreateEvent, CreateResource, WithdrawResource};
use crate::sessions::{CloseSessions, LogIn, LogOut, OpenSession, RefreshSession};
use crate::slots::{AddPools, ChangeSlot, OpenSlots, WithdrawSlot};
use crate::time::Timestamp;
use crate::users::{
    BanUser, ChangeRole, CreateOperator, CreateUser, DeclareUser, GiveRole, LiftBan, SetPassword, SetRole,
    SignUp,
};
use crate::venues::CreateVenue;
use crate::webhooks::{AddWebhook, EnableWebhook, RemoveWebhook, RotateWebhookSecret};

/// What one log entry carries: many requests, and the moment the leader stamped on them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The leader's stamp.
    pub proposed_at: Timestamp,
    /// In the order in which they take effect.
    pub requests: Vec<Request>,
}

/// One command, with who asks for it and how a retry is recognised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// `None` for commands that may be repeated without harm.
    pub id: Option<RequestId>,
    /// Who asks.
    pub principal: Principal,
    /// What for.
    pub command: Command,
}

/// Every command, in reading order. The order is a stored format: new commands go to the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Operators say what is on offer.
    CreateVenue(CreateVenue),
    /// See [`CreateResource`].
    CreateResource(CreateResource),
    /// See [`OpenSlots`].
    OpenSlots(OpenSlots),
    /// Users sign up and in.
    SignUp(SignUp),
    /// See [`ChangeRole`].
    ChangeRole(ChangeRole),
    /// See [`CreateOperator`].
    CreateOperator(CreateOperator),
    /// See [`OpenSession`].
    OpenSession(OpenSession),
    /// See [`RefreshSession`].
    RefreshSession(RefreshSession),
    /// See [`CloseSessions`].
    CloseSessions(CloseSessions),
    /// Guests book.
    Book(Book),
    /// See [`Modify`].
    Modify(Modify),
    /// See [`Cancel`].
    Cancel(Cancel),
    /// See [`CheckIn`].
    CheckIn(CheckIn),
    /// The cluster keeps itself going.
    Tick(Tick),
    /// See [`RegisterNodeKey`].
    RegisterNodeKey(RegisterNodeKey),
    /// Accounts: see [`LogOut`].
    LogOut(LogOut),
    /// See [`SetRole`].
    SetRole(SetRole),
    /// See [`SetPassword`].
    SetPassword(SetPassword),
    /// See [`BanUser`].
    BanUser(BanUser),
    /// See [`LiftBan`].
    LiftBan(LiftBan),
    /// See [`CreateUser`].
    CreateUser(CreateUser),
    /// Apps: see [`CreateApp`].
    CreateApp(CreateApp),
    /// See [`AddAppSecret`].
    AddAppSecret(AddAppSecret),
    /// See [`RevokeAppSecret`].
    RevokeAppSecret(RevokeAppSecret),
    /// See [`DeleteApp`].
    DeleteApp(DeleteApp),
    /// See [`RetireNodeKeys`].
    RetireNodeKeys(RetireNodeKeys),
    /// See [`GiveRole`].
    GiveRole(GiveRole),
    /// See [`LogIn`].
    LogIn(LogIn),
    /// Seats and holds: see [`Reserve`].
    Reserve(Reserve),
    /// See [`Exchange`].
    Exchange(Exchange),
    /// See [`Extend`].
    Extend(Extend),
    /// See [`Confirm`].
    Confirm(Confirm),
    /// See [`Void`].
    Void(Void),
    /// Payments: see [`StartPayment`].
    StartPayment(StartPayment),
    /// See [`SettlePayment`].
    SettlePayment(SettlePayment),
    /// Operators decide: see [`SetPolicy`].
    SetPolicy(SetPolicy),
    /// Jobs: see [`Enqueue`].
    Enqueue(Enqueue),
    /// Events of people who are no operators: see [`CreateEvent`].
    CreateEvent(CreateEvent),
    /// See [`ChangeResource`].
    ChangeResource(ChangeResource),
    /// See [`WithdrawResource`].
    WithdrawResource(WithdrawResource),
    /// See [`AddPools`].
    AddPools(AddPools),
    /// See [`ChangeSlot`].
    ChangeSlot(ChangeSlot),
    /// See [`WithdrawSlot`].
    WithdrawSlot(WithdrawSlot),
    /// Users who only say who they are: see [`DeclareUser`].
    DeclareUser(DeclareUser),
    /// The rules themselves: see [`AdoptEdition`].
    AdoptEdition(AdoptEdition),
    /// The day of a slot: see [`DecideNoShows`].
    DecideNoShows(DecideNoShows),
    /// Whom to tell: see [`AddDevice`].
    AddDevice(AddDevice),
    /// See [`RemoveDevice`].
    RemoveDevice(RemoveDevice),
    /// See [`SetPreferences`].
    SetPreferences(SetPreferences),
    /// Webhooks: see [`AddWebhook`].
    AddWebhook(AddWebhook),
    /// See [`RemoveWebhook`].
    RemoveWebhook(RemoveWebhook),
    /// See [`EnableWebhook`].
    EnableWebhook(EnableWebhook),
    /// See [`RotateWebhookSecret`].
    RotateWebhookSecret(RotateWebhookSecret),
    /// The outbox: see [`SettleDeliveries`].
    SettleDeliveries(SettleDeliveries),
    /// See [`ReplayDeadLetters`].
    ReplayDeadLetters(ReplayDeadLetters),
    /// The entrance: see [`IssueCode`].
    IssueCode(IssueCode),
    /// See [`Scan`].
    Scan(Scan),
    /// See [`UndoScan`].
    UndoScan(UndoScan),
    /// See [`RevokeNodeKey`].
    RevokeNodeKey(RevokeNodeKey),
}

impl Command {
    pub(crate) fn apply(&self, context: &mut Context<'_>) -> Result<Outcome, Halt> {
        match self {
            Self::CreateVenue(command) => command.apply(context),
            Self::CreateResource(command) => command.apply(context),
            Self::OpenSlots(command) => command.apply(context),
            Self::SignUp(command) => command.apply(context),
            Self::ChangeRole(command) => command.apply(context),
            Self::CreateOperator(command) => command.apply(context),
            Self::OpenSession(command) => command.apply(context),
            Self::RefreshSession(command) => command.apply(context),
            Self::CloseSessions(command) => command.apply(context),
            Self::Book(command) => command.apply(context),
            Self::Modify(command) => command.apply(context),
            Self::Cancel(command) => command.apply(context),
            Self::CheckIn(command) => command.apply(context),
            Self::Tick(command) => command.apply(context),
            Self::RegisterNodeKey(command) => command.apply(context),
            Self::LogOut(command) => command.apply(context),
            Self::SetRole(command) => command.apply(context),
            Self::SetPassword(command) => command.apply(context),
            Self::BanUser(command) => command.apply(context),
            Self::LiftBan(command) => command.apply(context),
            Self::CreateUser(command) => command.apply(context),
            Self::CreateApp(command) => command.apply(context),
            Self::AddAppSecret(command) => command.apply(context),
            Self::RevokeAppSecret(command) => command.apply(context),
            Self::DeleteApp(command) => command.apply(context),
            Self::RetireNodeKeys(command) => command.apply(context),
            Self::GiveRole(command) => command.apply(context),
            Self::LogIn(command) => command.apply(context),
            Self::Reserve(command) => command.apply(context),
            Self::Exchange(command) => command.apply(context),
            Self::Extend(command) => command.apply(context),
            Self::Confirm(command) => command.apply(context),
            Self::Void(command) => command.apply(context),
            Self::StartPayment(command) => command.apply(context),
            Self::SettlePayment(command) => command.apply(context),
            Self::SetPolicy(command) => command.apply(context),
            Self::Enqueue(command) => command.apply(context),
            Self::CreateEvent(command) => command.apply(context),
            Self::ChangeResource(command) => command.apply(context),
            Self::WithdrawResource(command) => command.apply(context),
            Self::AddPools(command) => command.apply(context),
            Self::ChangeSlot(command) => command.apply(context),
            Self::WithdrawSlot(command) => command.apply(context),
            Self::DeclareUser(command) => command.apply(context),
            Self::AdoptEdition(command) => command.apply(context),
            Self::DecideNoShows(command) => command.apply(context),
            Self::AddDevice(command) => command.apply(context),
            Self::RemoveDevice(command) => command.apply(context),
            Self::SetPreferences(command) => command.apply(context),
            Self::AddWebhook(command) => command.apply(context),
            Self::RemoveWebhook(command) => command.apply(context),
            Self::EnableWebhook(command) => command.apply(context),
            Self::RotateWebhookSecret(command) => command.apply(context),
            Self::SettleDeliveries(command) => command.apply(context),
            Self::ReplayDeadLetters(command) => command.apply(context),
            Self::IssueCode(command) => command.apply(context),
            Self::Scan(command) => command.apply(context),
            Self::UndoScan(command) => command.apply(context),
            Self::RevokeNodeKey(command) => command.apply(context),
        }
    }

    /// What metrics and logs call it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::CreateVenue(_) => "create_venue",
            Self::CreateResource(_) => "create_resource",
            Self::OpenSlots(_) => "open_slots",
            Self::SignUp(_) => "sign_up",
            Self::ChangeRole(_) => "change_role",
            Self::CreateOperator(_) => "create_operator",
            Self::OpenSession(_) => "open_session",
            Self::RefreshSession(_) => "refresh_session",
            Self::CloseSessions(_) => "close_sessions",
            Self::Book(_) => "book",
            Self::Modify(_) => "modify",
            Self::Cancel(_) => "cancel",
            Self::CheckIn(_) => "check_in",
            Self::Tick(_) => "tick",
            Self::RegisterNodeKey(_) => "register_node_key",
            Self::LogOut(_) => "log_out",
            Self::SetRole(_) => "set_role",
            Self::SetPassword(_) => "set_password",
            Self::BanUser(_) => "ban_user",
            Self::LiftBan(_) => "lift_ban",
            Self::CreateUser(_) => "create_user",
            Self::CreateApp(_) => "create_app",
            Self::AddAppSecret(_) => "add_app_secret",
            Self::RevokeAppSecret(_) => "revoke_app_secret",
            Self::DeleteApp(_) => "delete_app",
            Self::RetireNodeKeys(_) => "retire_node_keys",
            Self::GiveRole(_) => "give_role",
            Self::LogIn(_) => "log_in",
            Self::Reserve(_) => "reserve",
            Self::Exchange(_) => "exchange",
            Self::Extend(_) => "extend",
            Self::Confirm(_) => "confirm",
            Self::Void(_) => "void",
            Self::StartPayment(_) => "start_payment",
            Self::SettlePayment(_) => "settle_payment",
            Self::SetPolicy(_) => "set_policy",
            Self::Enqueue(_) => "enqueue",
            Self::CreateEvent(_) => "create_event",
            Self::ChangeResource(_) => "change_resource",
            Self::WithdrawResource(_) => "withdraw_resource",
            Self::AddPools(_) => "add_pools",
            Self::ChangeSlot(_) => "change_slot",
            Self::WithdrawSlot(_) => "withdraw_slot",
            Self::DeclareUser(_) => "declare_user",
            Self::AdoptEdition(_) => "adopt_edition",
            Self::DecideNoShows(_) => "decide_no_shows",
            Self::AddDevice(_) => "add_device",
            Self::RemoveDevice(_) => "remove_device",
            Self::SetPreferences(_) => "set_preferences",
            Self::AddWebhook(_) => "add_webhook",
            Self::RemoveWebhook(_) => "remove_webhook",
            Self::EnableWebhook(_) => "enable_webhook",
            Self::RotateWebhookSecret(_) => "rotate_webhook_secret",
            Self::SettleDeliveries(_) => "settle_deliveries",
            Self::ReplayDeadLetters(_) => "replay_dead_letters",
            Self::IssueCode(_) => "issue_code",
            Self::Scan(_) => "scan",
            Self::UndoScan(_) => "undo_scan",
            Self::RevokeNodeKey(_) => "revoke_node_key",
        }
    }
}
