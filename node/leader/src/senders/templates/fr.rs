//! What guests are told in French.

use super::{Text, Texts};

pub(super) const TEXTS: Texts = Texts {
    language: "fr",
    ready: Text { title: "Bientôt votre tour : {resource}", body: "Début : {start}. Places : {count}." },
    confirmed: Text {
        title: "Réservé : {resource}",
        body: "Votre réservation pour {start} est confirmée. Places : {count}.",
    },
    cancelled: Text {
        title: "Annulé : {resource}", body: "Votre réservation pour {start} a été annulée."
    },
    displaced: Text {
        title: "Plus possible : {resource}",
        body: "Nous ne pouvons malheureusement pas maintenir votre réservation pour {start}.",
    },
    no_show: Text {
        title: "Manqué : {resource}",
        body: "Vous n'étiez pas là à {start} ; votre réservation a pris fin.",
    },
    expired: Text {
        title: "Expiré : {resource}",
        body: "Votre option pour {start} n'a pas été confirmée à temps. Les places sont de nouveau libres.",
    },
    changed: Text {
        title: "Modifié : {resource}",
        body: "Votre réservation a été modifiée. Début : {start}. Places : {count}.",
    },
    rejected: Text {
        title: "Non réservé : {resource}",
        body: "Votre demande pour {start} n'a pas pu être acceptée.",
    },
    other: Text {
        title: "Du nouveau pour votre réservation : {resource}",
        body: "Il s'agit de votre réservation pour {start}.",
    },
    code: "Votre code d'entrée : {url}",
};
