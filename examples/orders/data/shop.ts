import type { Category } from "../order.ts";

export interface Product {
  readonly sku: string;
  readonly title: string;
  readonly category: Category;
  /** Euro cents. */
  readonly price: number;
}

const product = (sku: string, title: string, category: Category, price: number): Product => ({
  sku,
  title,
  category,
  price,
});

export const PRODUCTS: readonly [Product, ...Product[]] = [
  product("KIT-101", "Enamel kettle, 1.5 l", "general", 4290),
  product("KIT-102", "Cast-iron pan, 26 cm", "general", 5950),
  product("KIT-103", "Bread knife, serrated", "general", 2790),
  product("KIT-104", "Coffee grinder, by hand", "general", 7900),
  product("KIT-105", "Linen tea towel", "general", 890),
  product("KIT-106", "Preserving jar, 0.75 l", "general", 345),
  product("GAR-201", "Secateurs", "general", 3475),
  product("GAR-202", "Watering can, 9 l", "general", 2860),
  product("GAR-203", "Bulb planter", "general", 1799),
  product("GAR-204", "Seed tray, 24 cells", "general", 419),
  product("OFF-301", "Notebook, A5, dotted", "general", 1195),
  product("OFF-302", "Fountain pen, medium nib", "general", 3850),
  product("OFF-303", "Desk lamp, brass", "general", 12900),
  product("OFF-304", "Pencil, HB", "general", 79),
  product("OFF-305", "Envelope, C6", "general", 9),
  product("BOO-401", "A Field Guide to Clouds", "books", 2400),
  product("BOO-402", "Bread from Four Ingredients", "books", 2850),
  product("BOO-403", "The Lighthouse Keeper's Log", "books", 1299),
  product("BOO-404", "Atlas of Small Islands", "books", 3990),
  product("BOO-405", "Repairing Bicycles", "books", 1875),
  product("BOO-406", "Letters from the Night Train", "books", 1150),
  product("BOO-407", "Chess Endings for Beginners", "books", 1620),
  product("FOO-501", "Olive oil, 0.5 l", "food", 1149),
  product("FOO-502", "Espresso beans, 1 kg", "food", 1890),
  product("FOO-503", "Rye crispbread", "food", 289),
  product("FOO-504", "Heather honey, 500 g", "food", 975),
  product("FOO-505", "Smoked paprika, 75 g", "food", 449),
  product("FOO-506", "Dark chocolate, 70 %", "food", 325),
  product("FOO-507", "Black tea, loose, 250 g", "food", 799),
  product("FOO-508", "Dried chanterelles, 50 g", "food", 1260),
];

export interface Place {
  readonly country: string;
  /** How many percent of a price in euros it is in the local currency. */
  readonly level: number;
  readonly names: readonly [string, ...string[]];
}

const place = (country: string, level: number, ...names: [string, ...string[]]): Place => ({ country, level, names });

/** Countries stand here as often as their share of the orders asks for. */
export const PLACES: readonly [Place, ...Place[]] = [
  place(
    "DE",
    100,
    "Anneliese Krämer",
    "Jonas Vogt",
    "Miriam Aslan",
    "Torben Petersen",
    "Katharina Weiß",
    "Emre Yıldız",
  ),
  place("DE", 100, "Lukas Brandt", "Hannelore Schuster", "Nele Jäger", "Piotr Nowicki", "Friedrich Ostermann"),
  place("DE", 100, "Sophie Lindner", "Mehmet Kaya", "Greta Hoffmann", "Uwe Behrens"),
  place(
    "FR",
    100,
    "Camille Lefèvre",
    "Yanis Benali",
    "Océane Marchand",
    "Théo Girard",
    "Élodie Faure",
    "Mamadou Diallo",
  ),
  place("FR", 100, "Solène Le Goff", "Bastien Roux", "Inès Chevalier"),
  place(
    "GB",
    86,
    "Oluwaseun Adeyemi",
    "Hattie Pemberton",
    "Callum Fraser",
    "Priya Raman",
    "Gwen Llewellyn",
    "Tom O'Hara",
  ),
  place("GB", 86, "Isla MacLeod", "Rupert Ashworth", "Zainab Hussain"),
  place("NL", 100, "Sanne de Vries", "Jeroen van den Berg", "Fatima El Amrani", "Bram Kuipers"),
  place("NL", 100, "Lotte Hoekstra", "Daan Smit"),
  place("ES", 100, "Lucía Fernández", "Íñigo Etxeberria", "Marta Puig", "Álvaro Núñez"),
  place("IT", 100, "Giulia Ferraro", "Matteo D'Angelo", "Chiara Lombardi", "Niccolò Bassi"),
  place("PL", 430, "Agnieszka Wójcik", "Łukasz Zieliński", "Małgorzata Dąbrowska", "Stanisław Król"),
  place("SE", 1140, "Åsa Lindqvist", "Björn Hedlund", "Amina Warsame", "Elsa Nyström"),
  place("AT", 100, "Theresa Huber", "Maximilian Gruber", "Valentina Moser"),
  place("BE", 100, "Wout Claes", "Manon Dubois", "Lieselot Peeters"),
  place("CH", 94, "Reto Zürcher", "Aline Favre", "Luca Bernasconi", "Ursina Caduff"),
  place("DK", 746, "Freja Mikkelsen", "Søren Kjær", "Astrid Østergaard"),
  place("FI", 100, "Aino Korhonen", "Väinö Mäkelä"),
  place("IE", 100, "Siobhán Ní Dhónaill", "Cormac Byrne", "Aoife Gallagher"),
  place("NO", 1170, "Ingrid Haugen", "Sindre Bakke", "Åse Moe"),
  place("PT", 100, "Beatriz Carvalho", "João Magalhães", "Inês Conceição"),
  place("CZ", 2480, "Tereza Dvořáková", "Ondřej Šimek", "Zdeněk Říha"),
];

/** Places somebody may try to order from all the same. */
export const ELSEWHERE: readonly [string, ...string[]] = ["us", "jp", "br", "xx"];
