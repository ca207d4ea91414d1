//! Prices: JSON numbers outside, the smallest unit of a currency inside. The seed's prices have no currency.

use holdfast_reservations::Money;
use serde_json::{Number, Value};

/// What stands for no currency in ISO 4217.
const NO_CURRENCY: &str = "XXX";

/// The highest price, without its decimals.
const PRICE_MAX: u64 = 1_000_000_000;

/// What a price looks like.
pub(super) const EXPECTED: &str = "expected a number above 0, at most 1000000000, with at most two decimals";

/// The price in a number. Numbers with an exponent are too large or too small.
pub(super) fn price_in(value: &Value) -> Option<Money> {
    let Value::Number(number) = value else { return None };
    let text = number.to_string();
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    let is_plain = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit());
    if !is_plain(whole) || !is_plain(decimals) || decimals.len() > 2 {
        return None;
    }
    let whole = whole.parse::<u64>().ok().filter(|whole| *whole <= PRICE_MAX)?;
    let amount = whole * 100 + format!("{decimals:0<2}").parse::<u64>().ok()?;
    let is_in_range = (1..=PRICE_MAX * 100).contains(&amount);
    is_in_range.then(|| Money { amount, currency: NO_CURRENCY.to_owned() })
}

/// A price as a number.
pub(super) fn price_value(price: &Money) -> Value {
    let text = match decimals_of(&price.currency) {
        0 => price.amount.to_string(),
        digits => {
            let unit = 10_u64.pow(digits);
            let (whole, rest) = (price.amount / unit, price.amount % unit);
            if rest == 0 {
                whole.to_string()
            } else {
                format!("{whole}.{rest:0width$}", width = digits as usize)
            }
        }
    };
    text.parse::<Number>().map_or(Value::Null, Value::Number)
}

/// Digits behind the point, as ISO 4217 has them.
fn decimals_of(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI"
        | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_price_comes_back_as_it_was_given() {
        for (given, amount, shown) in [
            (json!(50), 5_000, json!(50)),
            (json!(50.0), 5_000, json!(50)),
            (json!(0.01), 1, json!(0.01)),
            (json!(49.9), 4_990, json!(49.9)),
            (json!(19.99), 1_999, json!(19.99)),
            (json!(1_000_000_000), 100_000_000_000, json!(1_000_000_000)),
            (json!(999_999_999.99), 99_999_999_999, json!(999_999_999.99)),
        ] {
            let price = price_in(&given).unwrap();
            assert_eq!((price.amount, price.currency.as_str()), (amount, "XXX"));
            assert_eq!(price_value(&price), shown);
        }
    }

    #[test]
    fn a_price_is_positive_and_has_two_decimals_at_most() {
        let numbers =
            [json!(0), json!(-20), json!(0.001), json!(1.005), json!(1e30), json!(1_000_000_001), json!(0.0)];
        let others = [json!("20"), json!(null), json!([20]), json!(true)];
        for refused in numbers.into_iter().chain(others) {
            assert_eq!(price_in(&refused), None, "{refused}");
        }
    }

    #[test]
    fn prices_of_others_are_written_in_their_currency() {
        let shown = |amount, currency: &str| price_value(&Money { amount, currency: currency.to_owned() });
        assert_eq!((shown(1_050, "EUR"), shown(1_050, "JPY")), (json!(10.5), json!(1_050)));
        assert_eq!((shown(1_050, "KWD"), shown(7, "KWD")), (json!(1.05), json!(0.007)));
    }
}
