-- outside of a transaction: each statement is one of its own, and may be run again.
--
-- What the query language needs: functions that are the same in every locale, full text in the
-- language of a project, parts of words, and an index for each field.

-- Makes letters small as `postrail.query.folding` does, which has the same letters.
CREATE OR REPLACE FUNCTION folded(content text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN CASE WHEN octet_length(content) = length(content) THEN lower(content COLLATE "C")
        ELSE translate(lower(content COLLATE "C"),
            'ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞĀĂĄĆĈĊČĎĐĒĔĖĘĚĜĞĠĢĤĦĨĪĬĮĲĴĶĹĻĽĿŁŃŅŇŊŌŎŐŒŔŖŘŚŜŞŠŢŤŦŨŪŬŮŰŲŴŶ'
            'ŸŹŻŽƠƢƤƦƧƩƬƮƯȘȚΆΈΉΊΌΎΏΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩΪΫЀЁЂЃЄЅІЇЈЉЊЋЌЍЎЏАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧ'
            'ШЩЪЫЬЭЮЯѠѢѤѦѨѪѬѮѰѲѴѶѸѺѼѾҀҊҌҎҐҒҔҖҘҚҜҞҠҢҤҦҨҪҬҮҰҲҴҶҸҺҼҾӀӁӃӅӇӉӋӍӐӒӔӖӘӚӜӞӠӢӤӦӨӪӬӮӰӲӴӶӸӺӼӾԀԂԄԆ'
            'ԈԊԌԎԐԒԔԖԘԚԜԞԠԢԤԦԨԪԬԮԱԲԳԴԵԶԷԸԹԺԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑՒՓՔՕՖḀḂḄḆḈḊḌḎḐḒḔḖḘḚḜḞḠḢḤḦḨḪḬḮḰḲḴḶḸḺ'
            'ḼḾṀṂṄṆṈṊṌṎṐṒṔṖṘṚṜṞṠṢṤṦṨṪṬṮṰṲṴṶṸṺṼṾẀẂẄẆẈẊẌẎẐẒẔẞẠẢẤẦẨẪẬẮẰẲẴẶẸẺẼẾỀỂỄỆỈỊỌỎỐỒỔỖỘỚỜỞỠỢỤỦỨỪỬỮỰỲ'
            'ỴỶỸỺỼỾ',
            'àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþāăąćĉċčďđēĕėęěĝğġģĥħĩīĭįĳĵķĺļľŀłńņňŋōŏőœŕŗřśŝşšţťŧũūŭůűųŵŷ'
            'ÿźżžơƣƥʀƨʃƭʈưșțάέήίόύώαβγδεζηθικλμνξοπρστυφχψωϊϋѐёђѓєѕіїјљњћќѝўџабвгдежзийклмнопрстуфхцч'
            'шщъыьэюяѡѣѥѧѩѫѭѯѱѳѵѷѹѻѽѿҁҋҍҏґғҕҗҙқҝҟҡңҥҧҩҫҭүұҳҵҷҹһҽҿӏӂӄӆӈӊӌӎӑӓӕӗәӛӝӟӡӣӥӧөӫӭӯӱӳӵӷӹӻӽӿԁԃԅԇ'
            'ԉԋԍԏԑԓԕԗԙԛԝԟԡԣԥԧԩԫԭԯաբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆḁḃḅḇḉḋḍḏḑḓḕḗḙḛḝḟḡḣḥḧḩḫḭḯḱḳḵḷḹḻ'
            'ḽḿṁṃṅṇṉṋṍṏṑṓṕṗṙṛṝṟṡṣṥṧṩṫṭṯṱṳṵṷṹṻṽṿẁẃẅẇẉẋẍẏẑẓẕßạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳ'
            'ỵỷỹỻỽỿ')
        END;

-- Returns all parts of three characters, each behind the prefix: an index on them finds any part of
-- a text. Two spaces stand at the end, so that shorter parts are beginnings of them.
CREATE OR REPLACE FUNCTION search_parts(prefix text, content text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN array_to_tsvector(ARRAY(
        SELECT DISTINCT prefix || substr(content || '  ', place, 3)
        FROM generate_series(1, length(content)) AS place));

CREATE OR REPLACE FUNCTION search_configuration(language text) RETURNS regconfig
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN CASE language
        WHEN 'ar' THEN 'arabic'::regconfig
        WHEN 'hy' THEN 'armenian'::regconfig
        WHEN 'eu' THEN 'basque'::regconfig
        WHEN 'ca' THEN 'catalan'::regconfig
        WHEN 'da' THEN 'danish'::regconfig
        WHEN 'nl' THEN 'dutch'::regconfig
        WHEN 'en' THEN 'english'::regconfig
        WHEN 'fi' THEN 'finnish'::regconfig
        WHEN 'fr' THEN 'french'::regconfig
        WHEN 'de' THEN 'german'::regconfig
        WHEN 'el' THEN 'greek'::regconfig
        WHEN 'hi' THEN 'hindi'::regconfig
        WHEN 'hu' THEN 'hungarian'::regconfig
        WHEN 'id' THEN 'indonesian'::regconfig
        WHEN 'ga' THEN 'irish'::regconfig
        WHEN 'it' THEN 'italian'::regconfig
        WHEN 'lt' THEN 'lithuanian'::regconfig
        WHEN 'ne' THEN 'nepali'::regconfig
        WHEN 'no' THEN 'norwegian'::regconfig
        WHEN 'nb' THEN 'norwegian'::regconfig
        WHEN 'nn' THEN 'norwegian'::regconfig
        WHEN 'pt' THEN 'portuguese'::regconfig
        WHEN 'ro' THEN 'romanian'::regconfig
        WHEN 'ru' THEN 'russian'::regconfig
        WHEN 'sr' THEN 'serbian'::regconfig
        WHEN 'es' THEN 'spanish'::regconfig
        WHEN 'sv' THEN 'swedish'::regconfig
        WHEN 'ta' THEN 'tamil'::regconfig
        WHEN 'tr' THEN 'turkish'::regconfig
        WHEN 'yi' THEN 'yiddish'::regconfig
        ELSE 'simple'::regconfig END;

CREATE OR REPLACE FUNCTION search_language(of_project text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE STRICT
    RETURN (SELECT language FROM project WHERE project_key = of_project);

-- Returns the words of a text as they are, and their stems. A tsvector has at most 1 MiB: of any text
-- of 50,000 characters it has less. The replaced characters separate words here. With them
-- PostgreSQL finds addresses and names of files, by a search that takes minutes for some texts.
CREATE OR REPLACE FUNCTION search_words(language text, content text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN (
        SELECT to_tsvector('simple', plain)
            || strip(to_tsvector(search_configuration(language), plain))
        FROM (SELECT translate(left(content, 50000), '_~/<@.-', '       ') OFFSET 0)
            AS cut (plain));

-- The language of the project when the row was written; after its change the handler writes the row
-- again.
ALTER TABLE issue_text ADD COLUMN IF NOT EXISTS language text;
-- The first 50,000 characters of a text that is in a blob.
ALTER TABLE issue_text ADD COLUMN IF NOT EXISTS beginning text;

DROP INDEX CONCURRENTLY IF EXISTS issue_created;
CREATE INDEX CONCURRENTLY issue_created ON issue (created_at DESC);
DROP INDEX CONCURRENTLY IF EXISTS issue_priority;
CREATE INDEX CONCURRENTLY issue_priority ON issue (priority, changed_at DESC);
DROP INDEX CONCURRENTLY IF EXISTS issue_type_changed;
CREATE INDEX CONCURRENTLY issue_type_changed ON issue (issue_type, changed_at DESC);
DROP INDEX CONCURRENTLY IF EXISTS issue_resolution;
CREATE INDEX CONCURRENTLY issue_resolution ON issue (resolution, changed_at DESC)
    WHERE resolution IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS issue_resolved;
CREATE INDEX CONCURRENTLY issue_resolved ON issue (resolved_at DESC) WHERE resolved_at IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS watcher_address;
CREATE INDEX CONCURRENTLY watcher_address ON watcher (address, issue_id);
DROP INDEX CONCURRENTLY IF EXISTS watcher_parts;
CREATE INDEX CONCURRENTLY watcher_parts ON watcher USING gin (search_parts('', address));
