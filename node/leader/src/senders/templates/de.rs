//! What guests are told in German.

use super::{Text, Texts};

pub(super) const TEXTS: Texts = Texts {
    language: "de",
    ready: Text { title: "Gleich sind Sie dran: {resource}", body: "Beginn: {start}. Plätze: {count}." },
    confirmed: Text {
        title: "Gebucht: {resource}",
        body: "Ihre Buchung für {start} ist bestätigt. Plätze: {count}.",
    },
    cancelled: Text { title: "Storniert: {resource}", body: "Ihre Buchung für {start} wurde storniert." },
    displaced: Text {
        title: "Nicht mehr möglich: {resource}",
        body: "Ihre Buchung für {start} kann leider nicht gehalten werden.",
    },
    no_show: Text {
        title: "Verpasst: {resource}",
        body: "Sie waren um {start} nicht da; Ihre Buchung ist beendet.",
    },
    expired: Text {
        title: "Verfallen: {resource}",
        body: "Ihre Reservierung für {start} wurde nicht rechtzeitig bestätigt. Die Plätze sind wieder frei.",
    },
    changed: Text {
        title: "Geändert: {resource}",
        body: "Ihre Buchung wurde geändert. Beginn: {start}. Plätze: {count}.",
    },
    rejected: Text {
        title: "Nicht gebucht: {resource}",
        body: "Ihre Anfrage für {start} konnte nicht erfüllt werden.",
    },
    other: Text {
        title: "Neues zu Ihrer Buchung: {resource}", body: "Es geht um Ihre Buchung für {start}."
    },
    code: "Ihr Eintrittscode: {url}",
};
