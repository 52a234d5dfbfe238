--
-- PostgreSQL database dump
--




--
-- Name: extensions; Type: SCHEMA; Schema: -; Owner: the_owner
--

CREATE SCHEMA extensions;


ALTER SCHEMA extensions OWNER TO the_owner;

--
-- Name: btree_gist; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA extensions;


--
-- Name: EXTENSION btree_gist; Type: COMMENT; Schema: -; Owner: 
--

COMMENT ON EXTENSION btree_gist IS 'support for indexing common datatypes in GiST';


--
-- Name: project_event_type; Type: TYPE; Schema: public; Owner: the_owner
--

CREATE TYPE public.project_event_type AS ENUM (
    'created',
    'updated',
    'status_changed',
    'payload_saved',
    'calculated',
    'exported',
    'archived',
    'restored'
);


ALTER TYPE public.project_event_type OWNER TO the_owner;

--
-- Name: project_status; Type: TYPE; Schema: public; Owner: the_owner
--

CREATE TYPE public.project_status AS ENUM (
    'draft',
    'active',
    'on_hold',
    'completed',
    'archived'
);


ALTER TYPE public.project_status OWNER TO the_owner;

--
-- Name: check_constants_release(); Type: FUNCTION; Schema: public; Owner: the_owner
--

CREATE FUNCTION public.check_constants_release() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
  if not exists (select from public.calibration_constants where version = new.constants_version) then
    raise exception using
      errcode = 'foreign_key_violation',
      message = format('%I names the release %L, which calibration_constants does not have',
        tg_table_name, new.constants_version),
      hint = 'Publish the release first, or use the label of one that exists.';
  end if;
  return null;
end $$;


ALTER FUNCTION public.check_constants_release() OWNER TO the_owner;

--
-- Name: projects_next_version(); Type: FUNCTION; Schema: public; Owner: the_owner
--

CREATE FUNCTION public.projects_next_version() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
  new.version := old.version + 1;
  new.updated_at := now();
  return new;
end $$;


ALTER FUNCTION public.projects_next_version() OWNER TO the_owner;

--
-- Name: refuse_change(); Type: FUNCTION; Schema: public; Owner: the_owner
--

CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
  raise exception using
    errcode = 'restrict_violation',
    message = format('%s is refused: rows of %I are never changed or removed', tg_op, tg_table_name),
    hint = 'Insert a new row instead; a project that is no longer needed gets status archived.';
end $$;


ALTER FUNCTION public.refuse_change() OWNER TO the_owner;



--
-- Name: calibration_constants; Type: TABLE; Schema: public; Owner: the_owner
--

CREATE TABLE public.calibration_constants (
    name text NOT NULL,
    version text NOT NULL,
    value numeric NOT NULL,
    unit text NOT NULL,
    description text NOT NULL,
    source text NOT NULL,
    effective daterange NOT NULL,
    CONSTRAINT calibration_constants_effective_check CHECK (((NOT isempty(effective)) AND (NOT lower_inf(effective)) AND (lower(effective) > '-infinity'::date))),
    CONSTRAINT calibration_constants_name_check CHECK ((name <> ''::text)),
    CONSTRAINT calibration_constants_value_check CHECK (((value > '-Infinity'::numeric) AND (value < 'Infinity'::numeric))),
    CONSTRAINT calibration_constants_version_check CHECK ((version <> ''::text))
);


ALTER TABLE public.calibration_constants OWNER TO the_owner;

--
-- Name: TABLE calibration_constants; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON TABLE public.calibration_constants IS 'Engineering constants; version is the label of a release of the whole set';


--
-- Name: code_references; Type: TABLE; Schema: public; Owner: the_owner
--

CREATE TABLE public.code_references (
    standard text NOT NULL,
    edition text NOT NULL,
    section text NOT NULL,
    title text NOT NULL,
    topic text,
    expression text,
    url text,
    CONSTRAINT code_references_section_check CHECK ((section <> ''::text))
);


ALTER TABLE public.code_references OWNER TO the_owner;

--
-- Name: TABLE code_references; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON TABLE public.code_references IS 'Sections of building codes and specifications';


--
-- Name: material_catalog; Type: TABLE; Schema: public; Owner: the_owner
--

CREATE TABLE public.material_catalog (
    standard text NOT NULL,
    edition text NOT NULL,
    unit_system text NOT NULL,
    designation text NOT NULL,
    variant text DEFAULT ''::text NOT NULL,
    kind text NOT NULL,
    shape_type text,
    manual_label text,
    product_form text,
    weight numeric,
    area numeric,
    depth numeric,
    ix numeric,
    sx numeric,
    zx numeric,
    rx numeric,
    iy numeric,
    sy numeric,
    zy numeric,
    ry numeric,
    fy numeric,
    fu numeric,
    properties jsonb DEFAULT '{}'::jsonb NOT NULL,
    retired_at timestamp with time zone,
    CONSTRAINT material_catalog_designation_check CHECK (((designation <> ''::text) AND (designation = upper(designation)))),
    CONSTRAINT material_catalog_kind_check CHECK ((kind = ANY (ARRAY['shape'::text, 'material'::text, 'bolt'::text]))),
    CONSTRAINT material_catalog_numbers_check CHECK (((weight > (0)::numeric) AND (weight < 'Infinity'::numeric) AND (area > (0)::numeric) AND (area < 'Infinity'::numeric) AND (depth > (0)::numeric) AND (depth < 'Infinity'::numeric) AND (ix > (0)::numeric) AND (ix < 'Infinity'::numeric) AND (sx > (0)::numeric) AND (sx < 'Infinity'::numeric) AND (zx > (0)::numeric) AND (zx < 'Infinity'::numeric) AND (rx > (0)::numeric) AND (rx < 'Infinity'::numeric) AND (iy > (0)::numeric) AND (iy < 'Infinity'::numeric) AND (sy > (0)::numeric) AND (sy < 'Infinity'::numeric) AND (zy > (0)::numeric) AND (zy < 'Infinity'::numeric) AND (ry > (0)::numeric) AND (ry < 'Infinity'::numeric) AND (fy > (0)::numeric) AND (fy < 'Infinity'::numeric) AND (fu > (0)::numeric) AND (fu < 'Infinity'::numeric))),
    CONSTRAINT material_catalog_properties_check CHECK ((jsonb_typeof(properties) = 'object'::text)),
    CONSTRAINT material_catalog_unit_system_check CHECK ((unit_system = ANY (ARRAY['US'::text, 'SI'::text])))
);


ALTER TABLE public.material_catalog OWNER TO the_owner;

--
-- Name: TABLE material_catalog; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON TABLE public.material_catalog IS 'Shapes and materials, one row per unit system';


--
-- Name: COLUMN material_catalog.weight; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON COLUMN public.material_catalog.weight IS 'Nominal weight per length: lb/ft | kg/m';


--
-- Name: COLUMN material_catalog.area; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON COLUMN public.material_catalog.area IS 'Cross-sectional area: in² | mm²';


--
-- Name: COLUMN material_catalog.depth; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON COLUMN public.material_catalog.depth IS 'Overall depth: in | mm';


--
-- Name: COLUMN material_catalog.ix; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON COLUMN public.material_catalog.ix IS 'Moment of inertia about the x-axis: in⁴ | mm⁴';


--
-- Name: COLUMN material_catalog.sx; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON COLUMN public.material_catalog.sx IS 'Elastic section modulus about the x-axis: in³ | mm³';


--
-- Name: COLUMN material_catalog.zx; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON COLUMN public.material_catalog.zx IS 'Plastic section modulus about the x-axis: in³ | mm³';


--
-- Name: COLUMN material_catalog.rx; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON COLUMN public.material_catalog.rx IS 'Radius of gyration about the x-axis: in | mm';


--
-- Name: COLUMN material_catalog.iy; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON COLUMN public.material_catalog.iy IS 'Moment of inertia about the y-axis: in⁴ | mm⁴';


--
-- Name: COLUMN material_catalog.sy; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON COLUMN public.material_catalog.sy IS 'Elastic section modulus about the y-axis: in³ | mm³';


--
-- Name: COLUMN material_catalog.zy; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON COLUMN public.material_catalog.zy IS 'Plastic section modulus about the y-axis: in³ | mm³';


--
-- Name: COLUMN material_catalog.ry; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON COLUMN public.material_catalog.ry IS 'Radius of gyration about the y-axis: in | mm';


--
-- Name: COLUMN material_catalog.fy; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON COLUMN public.material_catalog.fy IS 'Specified minimum yield stress: ksi | MPa';


--
-- Name: COLUMN material_catalog.fu; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON COLUMN public.material_catalog.fu IS 'Specified minimum tensile strength: ksi | MPa';


--
-- Name: pricing_configs; Type: TABLE; Schema: public; Owner: the_owner
--

CREATE TABLE public.pricing_configs (
    item_code text NOT NULL,
    version text NOT NULL,
    unit_price numeric(12,2) NOT NULL,
    currency character(3) NOT NULL,
    unit text NOT NULL,
    effective daterange NOT NULL,
    CONSTRAINT pricing_configs_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT pricing_configs_effective_check CHECK (((NOT isempty(effective)) AND (NOT lower_inf(effective)) AND (lower(effective) > '-infinity'::date))),
    CONSTRAINT pricing_configs_item_code_check CHECK ((item_code <> ''::text)),
    CONSTRAINT pricing_configs_unit_price_check CHECK (((unit_price >= (0)::numeric) AND (unit_price <> 'NaN'::numeric))),
    CONSTRAINT pricing_configs_version_check CHECK ((version <> ''::text))
);


ALTER TABLE public.pricing_configs OWNER TO the_owner;

--
-- Name: TABLE pricing_configs; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON TABLE public.pricing_configs IS 'Prices; version is the label of a release';


--
-- Name: COLUMN pricing_configs.unit_price; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON COLUMN public.pricing_configs.unit_price IS 'Price of one unit, in the currency of the row';


--
-- Name: project_events; Type: TABLE; Schema: public; Owner: the_owner
--

CREATE TABLE public.project_events (
    project_id uuid NOT NULL,
    event_id bigint NOT NULL,
    event_type public.project_event_type NOT NULL,
    actor text NOT NULL,
    occurred_at timestamp with time zone DEFAULT now() NOT NULL,
    data jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT project_events_actor_check CHECK ((actor <> ''::text))
);


ALTER TABLE public.project_events OWNER TO the_owner;

--
-- Name: TABLE project_events; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON TABLE public.project_events IS 'Audit log; never updated or deleted';


--
-- Name: projects; Type: TABLE; Schema: public; Owner: the_owner
--

CREATE TABLE public.projects (
    project_id uuid DEFAULT gen_random_uuid() NOT NULL,
    account_id uuid NOT NULL,
    name text NOT NULL,
    customer text,
    site_name text,
    status public.project_status DEFAULT 'draft'::public.project_status NOT NULL,
    created_by text NOT NULL,
    updated_by text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    constants_version text,
    content_sha256 text,
    confidence numeric,
    CONSTRAINT projects_confidence_check CHECK (((confidence >= (0)::numeric) AND (confidence <= (1)::numeric))),
    CONSTRAINT projects_content_sha256_check CHECK ((content_sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT projects_name_check CHECK ((name <> ''::text)),
    CONSTRAINT projects_version_check CHECK ((version > 0))
);


ALTER TABLE public.projects OWNER TO the_owner;

--
-- Name: TABLE projects; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON TABLE public.projects IS 'Project metadata; version is the optimistic lock';


--
-- Name: COLUMN projects.constants_version; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON COLUMN public.projects.constants_version IS 'Release of calibration_constants that was used';


--
-- Name: COLUMN projects.content_sha256; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON COLUMN public.projects.content_sha256 IS 'SHA-256 of the RFC 8785 form of the payload, 64 lower-case hex digits';


--
-- Name: COLUMN projects.confidence; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON COLUMN public.projects.confidence IS 'How far the result is trusted, 0 to 1';


--
-- Name: project_dashboard; Type: MATERIALIZED VIEW; Schema: public; Owner: the_owner
--

CREATE MATERIALIZED VIEW public.project_dashboard AS
 SELECT p.account_id,
    p.status,
    (date_trunc('month'::text, (p.created_at AT TIME ZONE 'UTC'::text)))::date AS month,
    count(*) AS project_count,
    max(GREATEST(p.updated_at, e.occurred_at)) AS last_activity,
    avg(p.confidence) AS mean_confidence
   FROM (public.projects p
     LEFT JOIN LATERAL ( SELECT max(ev.occurred_at) AS occurred_at
           FROM public.project_events ev
          WHERE (ev.project_id = p.project_id)) e ON (true))
  GROUP BY p.account_id, p.status, ((date_trunc('month'::text, (p.created_at AT TIME ZONE 'UTC'::text)))::date)
  WITH NO DATA;


ALTER TABLE public.project_dashboard OWNER TO the_owner;

--
-- Name: MATERIALIZED VIEW project_dashboard; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON MATERIALIZED VIEW public.project_dashboard IS 'Projects by account, status and month of creation (UTC), as of the last refresh (structdb dashboard refresh)';


--
-- Name: project_events_event_id_seq; Type: SEQUENCE; Schema: public; Owner: the_owner
--

ALTER TABLE public.project_events ALTER COLUMN event_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.project_events_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: project_payloads; Type: TABLE; Schema: public; Owner: the_owner
--

CREATE TABLE public.project_payloads (
    project_id uuid NOT NULL,
    payload_id bigint NOT NULL,
    version integer NOT NULL,
    module text NOT NULL,
    payload jsonb NOT NULL,
    created_by text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    constants_version text,
    content_sha256 text,
    confidence numeric,
    CONSTRAINT project_payloads_confidence_check CHECK (((confidence >= (0)::numeric) AND (confidence <= (1)::numeric))),
    CONSTRAINT project_payloads_content_sha256_check CHECK ((content_sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT project_payloads_module_check CHECK ((module <> ''::text)),
    CONSTRAINT project_payloads_version_check CHECK ((version > 0))
);


ALTER TABLE public.project_payloads OWNER TO the_owner;

--
-- Name: TABLE project_payloads; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON TABLE public.project_payloads IS 'Design snapshots; never updated or deleted';


--
-- Name: COLUMN project_payloads.constants_version; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON COLUMN public.project_payloads.constants_version IS 'Release of calibration_constants that was used';


--
-- Name: COLUMN project_payloads.content_sha256; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON COLUMN public.project_payloads.content_sha256 IS 'SHA-256 of the RFC 8785 form of the payload, 64 lower-case hex digits';


--
-- Name: COLUMN project_payloads.confidence; Type: COMMENT; Schema: public; Owner: the_owner
--

COMMENT ON COLUMN public.project_payloads.confidence IS 'How far the result is trusted, 0 to 1';


--
-- Name: project_payloads_payload_id_seq; Type: SEQUENCE; Schema: public; Owner: the_owner
--

ALTER TABLE public.project_payloads ALTER COLUMN payload_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.project_payloads_payload_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: calibration_constants calibration_constants_effective_excl; Type: CONSTRAINT; Schema: public; Owner: the_owner
--

ALTER TABLE ONLY public.calibration_constants
    ADD CONSTRAINT calibration_constants_effective_excl EXCLUDE USING gist (name WITH =, effective WITH &&) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: calibration_constants calibration_constants_pkey; Type: CONSTRAINT; Schema: public; Owner: the_owner
--

ALTER TABLE ONLY public.calibration_constants
    ADD CONSTRAINT calibration_constants_pkey PRIMARY KEY (name, version);


--
-- Name: code_references code_references_pkey; Type: CONSTRAINT; Schema: public; Owner: the_owner
--

ALTER TABLE ONLY public.code_references
    ADD CONSTRAINT code_references_pkey PRIMARY KEY (standard, edition, section);


--
-- Name: material_catalog material_catalog_pkey; Type: CONSTRAINT; Schema: public; Owner: the_owner
--

ALTER TABLE ONLY public.material_catalog
    ADD CONSTRAINT material_catalog_pkey PRIMARY KEY (standard, edition, unit_system, designation, variant);


--
-- Name: pricing_configs pricing_configs_effective_excl; Type: CONSTRAINT; Schema: public; Owner: the_owner
--

ALTER TABLE ONLY public.pricing_configs
    ADD CONSTRAINT pricing_configs_effective_excl EXCLUDE USING gist (item_code WITH =, effective WITH &&) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: pricing_configs pricing_configs_pkey; Type: CONSTRAINT; Schema: public; Owner: the_owner
--

ALTER TABLE ONLY public.pricing_configs
    ADD CONSTRAINT pricing_configs_pkey PRIMARY KEY (item_code, version);


--
-- Name: project_events project_events_pkey; Type: CONSTRAINT; Schema: public; Owner: the_owner
--

ALTER TABLE ONLY public.project_events
    ADD CONSTRAINT project_events_pkey PRIMARY KEY (project_id, event_id);


--
-- Name: project_payloads project_payloads_content_sha256_required; Type: CHECK CONSTRAINT; Schema: public; Owner: the_owner
--

ALTER TABLE public.project_payloads
    ADD CONSTRAINT project_payloads_content_sha256_required CHECK ((content_sha256 IS NOT NULL)) NOT VALID;


--
-- Name: project_payloads project_payloads_pkey; Type: CONSTRAINT; Schema: public; Owner: the_owner
--

ALTER TABLE ONLY public.project_payloads
    ADD CONSTRAINT project_payloads_pkey PRIMARY KEY (project_id, payload_id);


--
-- Name: projects projects_pkey; Type: CONSTRAINT; Schema: public; Owner: the_owner
--

ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_pkey PRIMARY KEY (project_id);


--
-- Name: material_catalog_designation_idx; Type: INDEX; Schema: public; Owner: the_owner
--

CREATE INDEX material_catalog_designation_idx ON public.material_catalog USING btree (designation);


--
-- Name: material_catalog_unit_system_shape_type_zx_idx; Type: INDEX; Schema: public; Owner: the_owner
--

CREATE INDEX material_catalog_unit_system_shape_type_zx_idx ON public.material_catalog USING btree (unit_system, shape_type, zx);


--
-- Name: project_dashboard_key; Type: INDEX; Schema: public; Owner: the_owner
--

CREATE UNIQUE INDEX project_dashboard_key ON public.project_dashboard USING btree (account_id, status, month);


--
-- Name: project_events_actor_idx; Type: INDEX; Schema: public; Owner: the_owner
--

CREATE INDEX project_events_actor_idx ON public.project_events USING btree (actor);


--
-- Name: project_events_event_type_idx; Type: INDEX; Schema: public; Owner: the_owner
--

CREATE INDEX project_events_event_type_idx ON public.project_events USING btree (event_type);


--
-- Name: project_events_project_id_occurred_at_idx; Type: INDEX; Schema: public; Owner: the_owner
--

CREATE INDEX project_events_project_id_occurred_at_idx ON public.project_events USING btree (project_id, occurred_at DESC);


--
-- Name: project_payloads_content_sha256_idx; Type: INDEX; Schema: public; Owner: the_owner
--

CREATE INDEX project_payloads_content_sha256_idx ON public.project_payloads USING btree (content_sha256);


--
-- Name: project_payloads_project_id_version_key; Type: INDEX; Schema: public; Owner: the_owner
--

CREATE UNIQUE INDEX project_payloads_project_id_version_key ON public.project_payloads USING btree (project_id, version);


--
-- Name: projects_account_id_status_updated_at_idx; Type: INDEX; Schema: public; Owner: the_owner
--

CREATE INDEX projects_account_id_status_updated_at_idx ON public.projects USING btree (account_id, status, updated_at DESC);


--
-- Name: projects_active_updated_at_idx; Type: INDEX; Schema: public; Owner: the_owner
--

CREATE INDEX projects_active_updated_at_idx ON public.projects USING btree (updated_at DESC) WHERE (status = 'active'::public.project_status);


--
-- Name: projects_constants_version_idx; Type: INDEX; Schema: public; Owner: the_owner
--

CREATE INDEX projects_constants_version_idx ON public.projects USING btree (constants_version);


--
-- Name: projects_content_sha256_idx; Type: INDEX; Schema: public; Owner: the_owner
--

CREATE INDEX projects_content_sha256_idx ON public.projects USING btree (content_sha256);


--
-- Name: projects_created_at_idx; Type: INDEX; Schema: public; Owner: the_owner
--

CREATE INDEX projects_created_at_idx ON public.projects USING btree (created_at);


--
-- Name: projects_created_by_idx; Type: INDEX; Schema: public; Owner: the_owner
--

CREATE INDEX projects_created_by_idx ON public.projects USING btree (created_by);


--
-- Name: projects_customer_idx; Type: INDEX; Schema: public; Owner: the_owner
--

CREATE INDEX projects_customer_idx ON public.projects USING btree (customer);


--
-- Name: project_events project_events_refuse_change; Type: TRIGGER; Schema: public; Owner: the_owner
--

CREATE TRIGGER project_events_refuse_change BEFORE DELETE OR UPDATE ON public.project_events FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.project_events ENABLE ALWAYS TRIGGER project_events_refuse_change;


--
-- Name: project_events project_events_refuse_truncate; Type: TRIGGER; Schema: public; Owner: the_owner
--

CREATE TRIGGER project_events_refuse_truncate BEFORE TRUNCATE ON public.project_events FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.project_events ENABLE ALWAYS TRIGGER project_events_refuse_truncate;


--
-- Name: project_payloads project_payloads_refuse_change; Type: TRIGGER; Schema: public; Owner: the_owner
--

CREATE TRIGGER project_payloads_refuse_change BEFORE DELETE OR UPDATE ON public.project_payloads FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.project_payloads ENABLE ALWAYS TRIGGER project_payloads_refuse_change;


--
-- Name: project_payloads project_payloads_refuse_truncate; Type: TRIGGER; Schema: public; Owner: the_owner
--

CREATE TRIGGER project_payloads_refuse_truncate BEFORE TRUNCATE ON public.project_payloads FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE public.project_payloads ENABLE ALWAYS TRIGGER project_payloads_refuse_truncate;


--
-- Name: project_payloads project_payloads_release_exists; Type: TRIGGER; Schema: public; Owner: the_owner
--

CREATE CONSTRAINT TRIGGER project_payloads_release_exists AFTER INSERT OR UPDATE OF constants_version ON public.project_payloads DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.constants_version IS NOT NULL)) EXECUTE FUNCTION public.check_constants_release();


--
-- Name: projects projects_next_version; Type: TRIGGER; Schema: public; Owner: the_owner
--

CREATE TRIGGER projects_next_version BEFORE UPDATE ON public.projects FOR EACH ROW EXECUTE FUNCTION public.projects_next_version();


--
-- Name: projects projects_release_exists; Type: TRIGGER; Schema: public; Owner: the_owner
--

CREATE CONSTRAINT TRIGGER projects_release_exists AFTER INSERT OR UPDATE OF constants_version ON public.projects DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.constants_version IS NOT NULL)) EXECUTE FUNCTION public.check_constants_release();


--
-- Name: project_events project_events_project_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: the_owner
--

ALTER TABLE ONLY public.project_events
    ADD CONSTRAINT project_events_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(project_id);


--
-- Name: project_payloads project_payloads_project_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: the_owner
--

ALTER TABLE ONLY public.project_payloads
    ADD CONSTRAINT project_payloads_project_id_fkey FOREIGN KEY (project_id) REFERENCES public.projects(project_id);


--
-- PostgreSQL database dump complete
--


