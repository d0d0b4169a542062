//! The words of the invented shop. Only data; `{order}` and `{product}` are filled in by whoever
//! speaks.

pub(super) const FIRST_NAMES: &[&str] = &[
    "Anna", "Omar", "Priya", "Noor", "Liam", "Grace", "Tomás", "Wei", "Chloé", "Jürgen", "Zoë",
    "Ingrid", "Łukasz", "Mei", "Siobhán", "Yusuf",
];
pub(super) const LAST_NAMES: &[&str] = &[
    "Keller",
    "Haddad",
    "Shah",
    "O'Neil",
    "Park-Jones",
    "Lind",
    "Osei",
    "D'Arcy",
    "Müller",
    "Lefèvre",
    "Nowak",
    "García",
    "Sørensen",
    "Tanaka",
];
pub(super) const COMPANIES: &[&str] = &[
    "Harbour Books",
    "Kiosk & Co",
    "Nordlicht GmbH",
    "Petit Four SARL",
    "Blue Fern Ltd",
    "Óptica Sur",
    "Tea House 9",
    "Wool & Wire",
];
pub(super) const PRODUCTS: &[&str] =
    &["kettle", "desk lamp", "linen shirt", "trail shoes", "oak stool", "tea set"];
pub(super) const QUESTIONS: &[&str] = &[
    "Hi! Where is my order {order}? It was due on Monday.",
    "The {product} arrived broken. Can I get a replacement?",
    "I'd like to return the {product} from order {order}.\nIt does not fit.",
    "My discount code **SPRING10** does not work at checkout 😕",
    "Bonjour, où en est ma commande {order} ?",
    "Guten Tag, wann kommt meine Bestellung {order}? Die Größe vom {product} passt nicht.",
    "I was charged twice for {order}: £24.90 & £24.90. Please check <asap>.",
];
pub(super) const ANSWERS: &[&str] = &[
    "Thanks for writing in. I am looking into {order} right now.",
    "Sorry about that! A new {product} leaves our warehouse today.",
    "Of course. Please use the label at https://shop.example/returns?order={order}&lang=en.",
    "Could you send a photo of the damage & the box, please?",
    "Done: the address is changed.\n\n- old label cancelled\n- new label printed",
];
pub(super) const REMARKS: &[&str] = &[
    "It still says \"in transit\" since Friday.",
    "ok",
    "Order number is {order}, I hope that helps",
    "Merci beaucoup, très réactif !",
    "Perfect, thank you so much! 🙏",
];
pub(super) const NOTES: &[&str] = &[
    "Called the carrier about {order}: it is stuck in customs.",
    "VIP, please be quick with the {product}.",
    "@team refund approved for {order}, 24.90",
];
pub(super) const TAGS: &[&str] = &[
    "refund",
    "shipping",
    "VIP",
    "Größe",
    "damaged",
    "wholesale",
    "old campaign",
    "follow up",
    "bug",
    "Black Friday",
    "returns",
    "press",
];
pub(super) const TEAMS: &[&str] = &["Support", "Returns", "Wholesale"];

/// A paragraph that makes a text longer than any preview.
pub(super) const LONG: &str = "For completeness I paste the terms that were sent with the parcel: \
    goods may be returned within thirty days, unworn and in their box; the label is in the box; \
    refunds go back the way the payment came and take three to five days.";
