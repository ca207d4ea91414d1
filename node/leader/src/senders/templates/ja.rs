//! What guests are told in Japanese.

use super::{Text, Texts};

pub(super) const TEXTS: Texts = Texts {
    language: "ja",
    ready: Text {
        title: "まもなくご案内：{resource}", body: "{start}に始まります。人数：{count}名。"
    },
    confirmed: Text {
        title: "予約完了：{resource}",
        body: "{start}のご予約が確定しました。人数：{count}名。",
    },
    cancelled: Text {
        title: "キャンセル：{resource}", body: "{start}のご予約はキャンセルされました。"
    },
    displaced: Text {
        title: "ご利用いただけません：{resource}",
        body: "申し訳ございません。{start}のご予約をお取りできなくなりました。",
    },
    no_show: Text {
        title: "ご来場なし：{resource}",
        body: "{start}にお越しにならなかったため、ご予約は終了しました。",
    },
    expired: Text {
        title: "期限切れ：{resource}",
        body: "{start}の仮予約は時間内に確定されなかったため、取り消されました。",
    },
    changed: Text {
        title: "変更：{resource}",
        body: "ご予約が変更されました。開始：{start}。人数：{count}名。",
    },
    rejected: Text {
        title: "予約できませんでした：{resource}",
        body: "{start}のご希望を承ることができませんでした。",
    },
    other: Text {
        title: "ご予約のお知らせ：{resource}", body: "{start}のご予約についてのお知らせです。"
    },
    code: "入場コード：{url}",
};
