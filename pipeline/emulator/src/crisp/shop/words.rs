//! The words of the invented shop: phrases in sixteen languages, names, products and labels.
//!
//! Only data. `{order}` and `{product}` are filled in by whoever speaks.

/// How people of one language talk to the shop.
pub(super) struct Tongue {
    pub(super) code: &'static str,
    pub(super) country: &'static str,
    /// Browser sign: minutes to add to local time to get UTC.
    pub(super) timezone: i64,
    pub(super) first_names: &'static [&'static str],
    pub(super) last_names: &'static [&'static str],
    pub(super) questions: &'static [&'static str],
    pub(super) answers: &'static [&'static str],
    pub(super) remarks: &'static [&'static str],
    pub(super) thanks: &'static [&'static str],
}

pub(super) const TONGUES: &[Tongue] = &[
    Tongue {
        code: "en",
        country: "GB",
        timezone: 0,
        first_names: &["Anna", "Omar", "Priya", "Noor", "Liam", "Grace", "Tomás", "Wei"],
        last_names: &["Keller", "Haddad", "Shah", "O'Neil", "Park-Jones", "Lind", "Osei", "D'Arcy"],
        questions: &[
            "Hi! Where is my order {order}? It was due on Monday.",
            "The {product} arrived broken. Can I get a replacement?",
            "I'd like to return the {product} from order {order}.\nIt does not fit.",
            "Is the {product} back in stock any time soon?",
            "My discount code **SPRING10** does not work at checkout 😕",
            "I was charged twice for {order}: £24.90 and £24.90. Please check.",
            "Can you change the delivery address of {order} before it ships?",
            "Do you ship the {product} to Iceland, and what would customs cost?",
            "How do I clean the {product}? The manual only covers the older model.",
            "I need an invoice with our VAT number for {order}, please.",
        ],
        answers: &[
            "Thanks for writing in. I am looking into {order} right now.",
            "Sorry about that! A new {product} leaves our warehouse today.",
            "Of course. Please use the label in \
             [your account](https://shop.example/returns?order={order}).",
            "The {product} is expected back within two weeks; shall I put you on the list?",
            "I can see one of the two payments was only reserved. It falls away within 3–5 days.",
            "Could you send a photo of the damage & the box, please?",
            "Done: the address is changed.\n\n- old label cancelled\n- new label printed",
        ],
        remarks: &[
            "It still says \"in transit\" <since Friday>.",
            "Order number is {order}, I hope that helps",
            "ok",
            "No hurry, but I leave on holiday on the 14th 🏖️",
            "I tried on my phone and on a laptop: the same error 100% of the time.",
        ],
        thanks: &["Perfect, thank you so much! 🙏", "Thanks, bye", "Brilliant – that's sorted it."],
    },
    Tongue {
        code: "fr",
        country: "FR",
        timezone: -60,
        first_names: &["Chloé", "Élodie", "François", "Maëlle", "Jérôme"],
        last_names: &["Lefèvre", "Dubois", "Garçon", "L'Hôte"],
        questions: &[
            "Bonjour, où en est ma commande {order} ? Elle devait arriver hier.",
            "Le {product} reçu est cassé, que dois-je faire ?",
            "Je voudrais être remboursée pour {order}, s'il vous plaît.",
        ],
        answers: &[
            "Bonjour ! Je vérifie tout de suite la commande {order}.",
            "Désolé pour ce désagrément : un nouveau {product} part aujourd'hui.",
            "Le remboursement apparaîtra sous 3 à 5 jours ouvrés.",
        ],
        remarks: &["C'est noté, j'attends.", "Où trouve-t-on l'étiquette ? Je ne la vois pas…"],
        thanks: &["Merci beaucoup, très réactif !", "Parfait, bonne journée à vous 😊"],
    },
    Tongue {
        code: "de",
        country: "DE",
        timezone: -60,
        first_names: &["Jürgen", "Käthe", "Sören", "Björn", "Lotte"],
        last_names: &["Müller", "Weiß", "Größer", "Schäfer"],
        questions: &[
            "Guten Tag, wann kommt meine Bestellung {order}?",
            "Die Größe vom {product} passt nicht, kann ich umtauschen?",
            "Auf der Rechnung zu {order} fehlt unsere USt-IdNr.",
        ],
        answers: &[
            "Guten Tag! Ich prüfe {order} gern für Sie.",
            "Selbstverständlich, das Rücksendeetikett ist unterwegs.",
            "Die korrigierte Rechnung finden Sie im Anhang.",
        ],
        remarks: &[
            "Das dauert aber lange …",
            "Die Straße heißt übrigens »Am Weiher«, nicht »Weg«.",
        ],
        thanks: &["Vielen Dank für die schnelle Hilfe!", "Super, danke schön"],
    },
    Tongue {
        code: "es",
        country: "ES",
        timezone: -60,
        first_names: &["Begoña", "Íñigo", "Lucía", "José"],
        last_names: &["Muñoz", "García", "Peña", "Núñez"],
        questions: &[
            "¡Hola! ¿Dónde está mi pedido {order}?",
            "El {product} llegó roto, ¿me lo cambian?",
            "¿Hacen envíos a las Islas Canarias?",
        ],
        answers: &[
            "¡Hola! Ahora mismo reviso el pedido {order}.",
            "Lo sentimos mucho: mañana sale un {product} nuevo.",
            "Sí, el envío tarda entre 5 y 7 días.",
        ],
        remarks: &["Gracias, quedo a la espera.", "¿Y cuánto cuesta?"],
        thanks: &["¡Muchísimas gracias!", "Genial, todo resuelto 👍"],
    },
    Tongue {
        code: "it",
        country: "IT",
        timezone: -60,
        first_names: &["Niccolò", "Giada", "Beatrice"],
        last_names: &["Rossi", "D'Angelo", "Bellò"],
        questions: &[
            "Buongiorno, il mio ordine {order} è in ritardo.",
            "Il {product} è difettoso.",
        ],
        answers: &["Buongiorno! Controllo subito.", "Le spediamo un nuovo {product} oggi stesso."],
        remarks: &["Perché costa di più?", "Va bene così."],
        thanks: &["Grazie mille, è perfetto!"],
    },
    Tongue {
        code: "pt-br",
        country: "BR",
        timezone: 180,
        first_names: &["João", "Conceição", "Thaís"],
        last_names: &["Gonçalves", "Araújo", "da Silva"],
        questions: &["Olá! Meu pedido {order} não chegou.", "Posso trocar o {product}?"],
        answers: &["Olá! Já estou verificando.", "Claro, a etiqueta de devolução segue em anexo."],
        remarks: &["Não recebi nenhum código.", "Tá bom, aguardo."],
        thanks: &["Muito obrigado pela atenção! 💛"],
    },
    Tongue {
        code: "pl",
        country: "PL",
        timezone: -60,
        first_names: &["Łukasz", "Żaneta", "Świętosława"],
        last_names: &["Wójcik", "Dąbrowska", "Źrebiec"],
        questions: &[
            "Dzień dobry, gdzie jest zamówienie {order}?",
            "Czy {product} wróci do sprzedaży?",
        ],
        answers: &["Dzień dobry, już sprawdzam.", "Wysyłka nastąpi jutro rano."],
        remarks: &["Zażółć gęślą jaźń – tak brzmi treść grawerunku.", "Dobrze."],
        thanks: &["Dziękuję bardzo!"],
    },
    Tongue {
        code: "el",
        country: "GR",
        timezone: -120,
        first_names: &["Ελένη", "Γιώργος"],
        last_names: &["Παπαδοπούλου", "Νικολάου"],
        questions: &["Καλησπέρα, πού βρίσκεται η παραγγελία {order};"],
        answers: &["Καλησπέρα! Το ελέγχω αμέσως."],
        remarks: &["Περιμένω, ευχαριστώ."],
        thanks: &["Τέλεια, ευχαριστώ πολύ!"],
    },
    Tongue {
        code: "ru",
        country: "KZ",
        timezone: -300,
        first_names: &["Айгуль", "Дмитрий"],
        last_names: &["Сергеева", "Ёлкин"],
        questions: &["Здравствуйте! Где мой заказ {order}?", "Пришёл не тот {product}."],
        answers: &["Здравствуйте! Сейчас проверю.", "Отправим замену сегодня."],
        remarks: &["Жду ответа.", "Хорошо"],
        thanks: &["Спасибо большое!"],
    },
    Tongue {
        code: "tr",
        country: "TR",
        timezone: -180,
        first_names: &["İpek", "Çağrı"],
        last_names: &["Yıldız", "Öztürk"],
        questions: &["Merhaba, {order} numaralı siparişim nerede?"],
        answers: &["Merhaba, hemen kontrol ediyorum."],
        remarks: &["Iğdır'a teslimat var mı?"],
        thanks: &["Çok teşekkürler!"],
    },
    Tongue {
        code: "ja",
        country: "JP",
        timezone: -540,
        first_names: &["さくら", "健太"],
        last_names: &["田中", "髙橋"],
        questions: &[
            "注文番号{order}はいつ届きますか？",
            "{product}が壊れて届きました。交換できますか。",
        ],
        answers: &[
            "お問い合わせありがとうございます。{order}を確認いたします。",
            "本日、新しい{product}を発送いたします。",
        ],
        remarks: &["よろしくお願いします。", "まだ届いていません（３日目です）。"],
        thanks: &["ありがとうございました！🙇"],
    },
    Tongue {
        code: "zh",
        country: "TW",
        timezone: -480,
        first_names: &["怡君", "偉"],
        last_names: &["陳", "歐陽"],
        questions: &["您好，我的訂單{order}什麼時候到？", "请问{product}有现货吗？"],
        answers: &["您好，我马上为您查询。", "已為您安排重新寄送。"],
        remarks: &["好的，谢谢。", "已经等了五天了。"],
        thanks: &["太感谢了！👍"],
    },
    Tongue {
        code: "ko",
        country: "KR",
        timezone: -540,
        first_names: &["지우", "민준"],
        last_names: &["김", "박"],
        questions: &["안녕하세요, 주문 {order} 배송이 언제 되나요?"],
        answers: &["안녕하세요! 바로 확인해 드리겠습니다."],
        remarks: &["네, 알겠습니다."],
        thanks: &["감사합니다 😊"],
    },
    Tongue {
        code: "ar",
        country: "AE",
        timezone: -240,
        first_names: &["ليلى", "خالد"],
        last_names: &["الحسيني", "ناصر"],
        questions: &["مرحبا، أين طلبي رقم {order}؟", "وصل {product} مكسورا، هل يمكن استبداله؟"],
        answers: &["مرحبا بك! سأتحقق من الطلب {order} حالا."],
        remarks: &["ما زلت أنتظر الرد.", "رقم الطلب {order} (INV-2024)"],
        thanks: &["شكرا جزيلا لكم 🌹"],
    },
    Tongue {
        code: "he",
        country: "IL",
        timezone: -120,
        first_names: &["נועה", "איתי"],
        last_names: &["לוי", "בן-דוד"],
        questions: &["שלום, מתי תגיע הזמנה {order}?"],
        answers: &["שלום! אני בודק מיד."],
        remarks: &["עדיין לא קיבלתי."],
        thanks: &["תודה רבה!"],
    },
    Tongue {
        code: "hi",
        country: "IN",
        timezone: -330,
        first_names: &["आरव", "मीरा"],
        last_names: &["शर्मा", "ज़ैदी"],
        questions: &["नमस्ते, मेरा ऑर्डर {order} कहाँ है?"],
        answers: &["नमस्ते! मैं अभी देखता हूँ।"],
        remarks: &["ठीक है, मैं इंतज़ार करूँगी।"],
        thanks: &["बहुत धन्यवाद 🙏🏽"],
    },
];

pub(super) const PRODUCTS: &[&str] = &[
    "kettle",
    "Café Crème set",
    "hand grinder",
    "mug 350 ml",
    "filter papers (100×)",
    "espresso machine \"Nonna\"",
    "gift card",
    "oat drink",
];

pub(super) const NOTES: &[&str] = &[
    "customer is a regular, be generous",
    "refund approved by finance, see ticket 4711",
    "waiting for the courier's answer",
    "looks like fraud?\nplease have a look before shipping",
];

pub(super) const SUBJECTS: &[&str] = &[
    "Re: your order",
    "Refund – urgent!!",
    "AW: Bestellung",
    "Question about the warranty",
    "Fwd: RE: Rechnung fehlt",
    "配送について",
];

pub(super) const SEGMENTS: &[&str] =
    &["chat", "order", "refund", "vip", "b2b", "Größe-XL", "café", "Wholesale EU", "bug", "お客様"];

pub(super) const URNS: &[&str] =
    &["urn:crisp.im:whatsapp:0", "urn:crisp.im:messenger:0", "urn:example.net:marketplace:0"];

pub(super) const EVENTS: &[&str] = &["state:resolved", "user:blocked", "call:ended"];

/// First and last names of the operators; the last one has left the company.
pub(super) const OPERATORS: &[(&str, &str)] = &[
    ("Ada", "Byron"),
    ("Bo", "Ek"),
    ("Chloé", "Dubois"),
    ("Dmitri", "Ivanov"),
    ("Eve", "Nakamura"),
    ("Farid", "Al-Amin"),
    ("Gone", "Gardner"),
];
