// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/demo/schema.hpp>

#include <chrono>

namespace tandem::sip2 {
namespace {

// Times are seconds since 1970, money is in cents.
constexpr const char* tables = R"(
CREATE TABLE IF NOT EXISTS accounts (login TEXT PRIMARY KEY, password TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sessions (key TEXT PRIMARY KEY, login TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS patrons (
  barcode TEXT PRIMARY KEY, pin TEXT NOT NULL, name TEXT NOT NULL, address TEXT NOT NULL,
  email TEXT NOT NULL, phone TEXT NOT NULL, birth TEXT NOT NULL, expiry TEXT NOT NULL,
  class TEXT NOT NULL, language TEXT NOT NULL DEFAULT '001',
  blocked INTEGER NOT NULL DEFAULT 0, card_lost INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS items (
  barcode TEXT PRIMARY KEY, title TEXT NOT NULL, call_number TEXT NOT NULL,
  media TEXT NOT NULL, home TEXT NOT NULL, place TEXT NOT NULL, collection TEXT NOT NULL,
  circulation TEXT NOT NULL DEFAULT '03', properties TEXT NOT NULL DEFAULT '',
  bin TEXT NOT NULL DEFAULT '', rental INTEGER NOT NULL DEFAULT 0,
  magnetic INTEGER NOT NULL DEFAULT 0, owner TEXT NOT NULL DEFAULT 'DEMO');
CREATE TABLE IF NOT EXISTS loans (
  item TEXT PRIMARY KEY, patron TEXT NOT NULL, made INTEGER NOT NULL, due INTEGER NOT NULL,
  renewals INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS holds (
  id INTEGER PRIMARY KEY, item TEXT NOT NULL, patron TEXT NOT NULL, placed INTEGER NOT NULL,
  pickup TEXT NOT NULL, expires TEXT NOT NULL DEFAULT '', kind TEXT NOT NULL DEFAULT '3',
  on_shelf INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS fees (
  id INTEGER PRIMARY KEY, patron TEXT NOT NULL, kind TEXT NOT NULL, amount INTEGER NOT NULL,
  text TEXT NOT NULL, item TEXT NOT NULL DEFAULT '', made INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS payments (
  id INTEGER PRIMARY KEY, patron TEXT NOT NULL, amount INTEGER NOT NULL, how TEXT NOT NULL,
  made INTEGER NOT NULL, reference TEXT NOT NULL);
)";

constexpr const char* contents = R"(
INSERT INTO accounts VALUES ('siplogin', 'sippassword'), ('selfcheck', 'selfcheck');
INSERT INTO patrons (barcode, pin, name, address, email, phone, birth, expiry, class) VALUES
 ('21000001', '1234', 'Ada Example', '1 Reading Lane', 'ada@library.example', '555-0101',
  '19791210', '20991231', 'adult'),
 ('21000002', 's3cret!', 'Jos' || char(233) || ' ' || char(209) || 'u' || char(241) || 'ez',
  '2 Calle Mayor', 'jose@library.example', '555-0102', '19850507', '20991231', 'adult'),
 ('21000003', '0000', 'Betty Borrower', '3 Shelf Street', 'betty@library.example', '555-0103',
  '20120914', '20991231', 'child'),
 ('21000004', '4321', 'Oskar Overdue', '4 Fine Court', 'oskar@library.example', '555-0104',
  '19660301', '20991231', 'adult'),
 ('21000005', '5555', 'Lost Card', '5 Gone Way', 'lost@library.example', '555-0105', '19900101',
  '20991231', 'adult');
UPDATE patrons SET card_lost = 1, blocked = 1 WHERE barcode = '21000005';
INSERT INTO items (barcode, title, call_number, media, home, place, collection, bin) VALUES
 ('31000001', 'A Garden of Small Rules', 'FIC GAR', '001', 'MAIN', 'MAIN', 'Fiction', '01'),
 ('31000002', 'The Lighthouse Ledger', 'FIC LIG', '001', 'MAIN', 'MAIN', 'Fiction', '01'),
 ('31000003', 'Bread, Salt, Water', '641.5 BRE', '001', 'MAIN', 'MAIN', 'Cooking', '02'),
 ('31000004', 'Vom ' || char(220) || 'ben', '780 VOM', '001', 'BRANCH', 'BRANCH', 'Music', '02'),
 ('31000005', 'Rivers of the North', '551.48 RIV', '001', 'MAIN', 'MAIN', 'Science', '02'),
 ('31000006', 'The Slow Train', 'DVD SLO', '005', 'MAIN', 'MAIN', 'Film', '03'),
 ('31000007', 'Nine Evenings', 'CD NIN', '006', 'BRANCH', 'BRANCH', 'Music', '03'),
 ('31000008', 'Monthly Review 4', 'PER MON', '002', 'MAIN', 'MAIN', 'Journals', '04'),
 ('31000009', 'The Returned Atlas', '912 ATL', '001', 'MAIN', 'MAIN', 'Reference', '04'),
 ('31000010', 'Paper Boats', 'J PAP', '001', 'BRANCH', 'BRANCH', 'Children', '05');
UPDATE items SET rental = 150 WHERE barcode = '31000006';
UPDATE items SET magnetic = 1 WHERE media IN ('005', '006');
UPDATE items SET circulation = '12' WHERE barcode = '31000009';
)";

void add_loans_and_fees(database& db, std::int64_t now) {
  constexpr std::int64_t day = 86400;
  const auto lend = [&](std::string_view item, std::string_view patron, std::int64_t due) {
    db.run("INSERT INTO loans (item, patron, made, due) VALUES (?, ?, ?, ?)", item, patron,
           due - 21 * day, due);
  };
  lend("31000004", "21000004", now - 10 * day);
  lend("31000005", "21000002", now + 5 * day);
  lend("31000007", "21000004", now + 2 * day);
  db.run("INSERT INTO holds (item, patron, placed, pickup) VALUES (?, ?, ?, ?)", "31000004",
         "21000001", now - 3 * day, "MAIN");
  db.run("INSERT INTO holds (item, patron, placed, pickup, on_shelf) VALUES (?, ?, ?, ?, 1)",
         "31000008", "21000002", now - 2 * day, "MAIN");
  db.run("UPDATE items SET circulation = '08' WHERE barcode = '31000008'");
  db.run("INSERT INTO fees (patron, kind, amount, text, item, made) VALUES (?, ?, ?, ?, ?, ?)",
         "21000004", "04", std::int64_t{1275}, "Overdue: Nine Evenings", "31000007", now - day);
  db.run("INSERT INTO fees (patron, kind, amount, text, item, made) VALUES (?, ?, ?, ?, ?, ?)",
         "21000002", "06", std::int64_t{150}, "Rental: The Slow Train", "31000006", now - day);
}

} // namespace

void prepare_demo_library(database& db, wall_time now) {
  db.run_script(tables);
  if (db.number("SELECT count(*) FROM patrons") > 0) return;
  db.run_script("BEGIN");
  db.run_script(contents);
  add_loans_and_fees(db, std::chrono::system_clock::to_time_t(now));
  db.run_script("COMMIT");
}

} // namespace tandem::sip2
