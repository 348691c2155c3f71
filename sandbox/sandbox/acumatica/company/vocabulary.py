"""Names of a made-up world: no person or company behind them."""

# ruff: noqa: RUF001, SIM905 - names in Greek and Cyrillic look like Latin ones on
# purpose; long lists of single words are easier to read as text

FIRST_NAMES = (
    "Amelia Andrés Ayşe Björn Chiara Daniel Dmitri Eleni Fatima Grace Hannah Hiroshi "
    "Ines Ivana Jamal Jürgen Kamala Kwame Lars Leila Łukasz Maeve Marco Mei Miguel "
    "Naoko Nikhil Noor Olga Oluwaseun Pádraig Priya Rafael Renée Rosa Samuel Siobhán "
    "Søren Tomás Uma Viktor Wanjiru Xiao Yara Zoë"
).split()
LAST_NAMES = (
    "Abara Adeyemi Almeida Andersson Bauer Bianchi Brennan Castillo Çelik Chandra Chen "
    "D'Angelo Dubois Fischer Fjeldsted García Haddad Horvat Ito Jansen Kaya Kowalczyk "
    "Lindqvist MacLeod Mbeki Moreau Müller Nakamura Novák O'Brien Okafor Papadakis "
    "Pereira Quinn Rossi Sánchez Schröder Singh Søgaard Tanaka Ueda Vasquez Weiß Yılmaz"
).split()
TITLES = (
    "Accounts Payable Clerk",
    "Buyer",
    "Chief Financial Officer",
    "Controller",
    "Office Manager",
    "Owner",
    "Sales Representative",
    "Warehouse Supervisor",
)

COMPANY_STEMS = (
    "Alder Anchor Arbor Aurora Badger Beacon Birch Bluff Boreal Bramble "
    "Canyon Cascade Cedar Cinder Cobalt Copper Coral Crescent Delta Driftwood Eagle "
    "Ember Evergreen Falcon Fern Flint Foxglove Gable Garnet Glacier Granite Harbor "
    "Hawthorn Heron Hickory Indigo Ironwood Jasper Juniper Keystone Lantern Larkspur "
    "Laurel Linden Magnolia Maple Meridian Mesa Midland Mistral Northgate Oak Onyx "
    "Orchard Osprey Pacific Pebble Pine Pioneer Prairie Quarry Quill Raven Redwood "
    "Ridgeline Saffron Sage Sandstone Sequoia Sierra Silver Slate Spruce Summit "
    "Sycamore Tamarack Thistle Timber Umber Union Valley Vista Walnut Willow Zephyr"
).split()
VENDOR_TRADES = (
    "Abrasives & Tools",
    "Bearings",
    "Chemicals",
    "Electric Supply",
    "Fasteners",
    "Freight Lines",
    "Industrial Coatings",
    "Leasing",
    "Office Supply",
    "Packaging",
    "Plastics",
    "Power & Light",
    "Safety Products",
    "Steel",
    "Telecom",
    "Uniforms",
)
CUSTOMER_TRADES = (
    "Aquariums",
    "Builders",
    "Cabinetry",
    "Community Hospital",
    "Dairy",
    "Electric Cooperative",
    "Farms",
    "Fire & Rescue",
    "Hardware",
    "Machine Works",
    "Marina",
    "Plumbing",
    "Robotics",
    "School District",
    "Theater",
    "Wholesale",
)
LEGAL_FORMS = ("Inc.", "LLC", "Co.", "Ltd.", "Corp.", "")
WORLD_COMPANIES = (
    "Müller & Söhne GmbH",
    "Société Générale d'Outillage",
    "Łódzkie Zakłady Metalowe Sp. z o.o.",
    "Ørsted Værktøj A/S",
    "Ferretería «El Ñandú» S.A.",
    "東海精密工業株式会社",
    "深圳市蓝海贸易有限公司",
    "한빛전자 주식회사",
    "ООО «Северная звезда»",
    "Αιγαίο Εμπορική Α.Ε.",
    "شركة النخيل للتجارة",
    "חברת הגליל בע״מ",
    "บริษัท ช้างทอง จำกัด",
    "भारत औज़ार प्राइवेट लिमिटेड",
    'Bob\'s "Best" Bolts',
    "Smith & Sons; Brothers, Inc.",
    "C:\\Tools\\Direct",
    "Percent 100% Cotton <Textiles>",
    "Sunny Side Up 🍳 Catering",
    "O'Reilly's Tool + Die",
)

STREETS = (
    "Airport Rd",
    "Birch Ln",
    "Canal St",
    "Depot Ave",
    "Foundry Way",
    "Harbor Blvd",
    "Industrial Pkwy",
    "Mill Rd",
    "Quarry Rd",
    "Station St",
    "Union Sq",
)
CITIES = (
    ("Albany", "NY", "12207", "US"),
    ("Burlington", "VT", "05401", "US"),
    ("Cleveland", "OH", "44113", "US"),
    ("Duluth", "MN", "55802", "US"),
    ("Gdańsk", "", "80-001", "PL"),
    ("Köln", "", "50667", "DE"),
    ("Montréal", "QC", "H2Y 1C6", "CA"),
    ("Nagoya", "", "450-0002", "JP"),
    ("Portland", "ME", "04101", "US"),
    ("Providence", "RI", "02903", "US"),
    ("San José", "CA", "95112", "US"),
    ("São Paulo", "SP", "01310-100", "BR"),
    ("Toronto", "ON", "M5V 2T6", "CA"),
)

ITEM_KINDS = (
    ("BEARING", "Ball bearing, sealed"),
    ("BOLT", 'Hex bolt, zinc, 3/8"'),
    ("CABLE", "Copper cable, 3 × 2.5 mm²"),
    ("FILTER", "Oil filter"),
    ("GLOVE", "Nitrile gloves, box of 100"),
    ("HINGE", "Door hinge, stainless"),
    ("LAMP", "LED lamp, 5000 K"),
    ("MOTOR", "Gear motor, 24 V"),
    ("PAINT", "Enamel paint, RAL 7035"),
    ("PUMP", "Circulating pump"),
    ("SENSOR", "Proximity sensor"),
    ("VALVE", "Check valve, 1/2″"),
)
UNITS = ("EA", "BOX", "KG", "M", "HOUR")
SERVICES = (
    "Annual maintenance",
    "Cleaning, north hall",
    "Consulting — phase 2",
    "Électricité, mois courant",
    "Freight and handling",
    "Legal advice",
    "Rent",
    "Repair of forklift no. 7",
    'Signage ("Open 24 h")',
    "Software subscription",
    "Thank-you gift 🎁",
    "Travel expenses",
)
MEMOS = (
    "Agreed by phone",
    "As quoted",
    "Charge to the spring campaign",
    "Deliver to the rear gate; ring twice",
    "Même référence que l'an dernier",
    "Partial delivery\nrest on back order",
    "Replaces the order of last week",
    "Urgent!",
)
