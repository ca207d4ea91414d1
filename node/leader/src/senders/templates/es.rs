//! What guests are told in Spanish.

use super::{Text, Texts};

pub(super) const TEXTS: Texts = Texts {
    language: "es",
    ready: Text { title: "Pronto es su turno: {resource}", body: "Comienza: {start}. Plazas: {count}." },
    confirmed: Text {
        title: "Reservado: {resource}",
        body: "Su reserva para {start} está confirmada. Plazas: {count}.",
    },
    cancelled: Text { title: "Cancelado: {resource}", body: "Su reserva para {start} ha sido cancelada." },
    displaced: Text {
        title: "Ya no es posible: {resource}",
        body: "Lamentamos no poder mantener su reserva para {start}.",
    },
    no_show: Text {
        title: "Perdido: {resource}",
        body: "No se presentó a las {start}; su reserva ha terminado.",
    },
    expired: Text {
        title: "Caducado: {resource}",
        body: "Su reserva provisional para {start} no se confirmó a tiempo. Las plazas vuelven a estar libres.",
    },
    changed: Text {
        title: "Modificado: {resource}",
        body: "Su reserva ha cambiado. Comienza: {start}. Plazas: {count}.",
    },
    rejected: Text {
        title: "No reservado: {resource}",
        body: "No se pudo aceptar su solicitud para {start}.",
    },
    other: Text {
        title: "Novedades de su reserva: {resource}",
        body: "Se trata de su reserva para {start}.",
    },
    code: "Su código de entrada: {url}",
};
