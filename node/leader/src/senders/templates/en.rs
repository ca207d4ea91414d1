//! What guests are told in English.

use super::{Text, Texts};

pub(super) const TEXTS: Texts = Texts {
    language: "en",
    ready: Text { title: "Your turn is near: {resource}", body: "It starts at {start}. Places: {count}." },
    confirmed: Text {
        title: "Booked: {resource}",
        body: "Your booking for {start} is confirmed. Places: {count}.",
    },
    cancelled: Text { title: "Cancelled: {resource}", body: "Your booking for {start} was cancelled." },
    displaced: Text {
        title: "Not possible any more: {resource}",
        body: "Your booking for {start} cannot be kept. We are sorry.",
    },
    no_show: Text {
        title: "Missed: {resource}",
        body: "You were not there at {start}, so your booking has ended.",
    },
    expired: Text {
        title: "Lapsed: {resource}",
        body: "Your hold for {start} was not confirmed in time. The places are free again.",
    },
    changed: Text {
        title: "Changed: {resource}",
        body: "Your booking was changed. It starts at {start}. Places: {count}.",
    },
    rejected: Text {
        title: "Not booked: {resource}",
        body: "Your request for {start} could not be granted.",
    },
    other: Text { title: "News of your booking: {resource}", body: "It is about your booking for {start}." },
    code: "Your entrance code: {url}",
};
