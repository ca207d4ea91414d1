//! What guests are told in Chinese.

use super::{Text, Texts};

pub(super) const TEXTS: Texts = Texts {
    language: "zh",
    ready: Text { title: "即将开始：{resource}", body: "{start} 开始。人数：{count}。" },
    confirmed: Text {
        title: "预订成功：{resource}", body: "您 {start} 的预订已确认。人数：{count}。"
    },
    cancelled: Text { title: "已取消：{resource}", body: "您 {start} 的预订已取消。" },
    displaced: Text {
        title: "无法保留：{resource}", body: "很抱歉，您 {start} 的预订无法保留。"
    },
    no_show: Text { title: "未到场：{resource}", body: "您未在 {start} 到场，预订已结束。" },
    expired: Text {
        title: "已过期：{resource}", body: "您 {start} 的预留未及时确认，名额已释放。"
    },
    changed: Text {
        title: "已更改：{resource}", body: "您的预订已更改。开始时间：{start}。人数：{count}。"
    },
    rejected: Text { title: "未能预订：{resource}", body: "您 {start} 的请求未能接受。" },
    other: Text { title: "预订消息：{resource}", body: "这是关于您 {start} 的预订的消息。" },
    code: "入场码：{url}",
};
